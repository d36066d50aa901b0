//! SQL as text: one statement, and only a question.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use glasshull_api::{Code, Failure};

use crate::failure::failure;

/// Its arrows (`args->>'sku' = 'x'`) bind tighter than comparisons, others' do not.
const DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

/// How deep expressions and subqueries may be nested.
const MAX_NESTING: usize = 100;

/// Operators of one statement: `a OR b OR ..` is a tree as deep as it has operators, through which DataFusion's rules
/// walk again and again.
const MAX_OPERATORS: usize = 1_000;

/// Steps into JSON values (`->`, `->>`): what a chain of them costs to plan grows with its length's third power.
const MAX_STEPS: usize = 200;

/// Tables a statement names, and queries it puts together with `UNION`, `EXCEPT` or `INTERSECT`: each is a level of
/// its plan.
const MAX_RELATIONS: usize = 100;

/// A question that was read.
pub(crate) enum Question {
    /// Something to be planned and carried out.
    Plan(Statement),
    ShowTables,
    ShowColumns(String),
}

/// Reads one question.
pub(crate) fn question(sql: &str) -> Result<Question, Failure> {
    check_size(sql)?;
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&DIALECT)
        .with_recursion_limit(MAX_NESTING)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| failure(&error, sql))?;
    let Some(statement) = statements.pop_front() else {
        return Err(Failure::new(Code::StatementSyntax, "There is no statement."));
    };
    if !statements.is_empty() {
        return Err(Failure::new(Code::StatementSyntax, "One statement at a time, please."));
    }
    let mut relations = 0;
    if let Statement::Statement(inner) = &statement {
        let _: ControlFlow<()> = ast::visit_relations(inner, |_| {
            relations += 1;
            ControlFlow::Continue(())
        });
    }
    if relations > MAX_RELATIONS { Err(too_many(MAX_RELATIONS, "tables")) } else { only_question(statement) }
}

/// Refuses what would be too large a tree, before it is made.
fn check_size(sql: &str) -> Result<(), Failure> {
    // What is no tokens is no statement either: the parser says where.
    let Ok(tokens) = Tokenizer::new(&DIALECT, sql).tokenize() else { return Ok(()) };
    let operators = tokens.iter().filter(|token| is_operator(token)).count();
    let steps = tokens.iter().filter(|token| matches!(token, Token::Arrow | Token::LongArrow)).count();
    let unions = tokens.iter().filter(|token| joins_queries(token)).count();
    if operators > MAX_OPERATORS {
        return Err(too_many(MAX_OPERATORS, "operators").hint("Many values of one column are compared with IN (..)."));
    }
    if steps > MAX_STEPS {
        return Err(too_many(MAX_STEPS, "steps into JSON values"));
    }
    if unions > MAX_RELATIONS { Err(too_many(MAX_RELATIONS, "queries put together")) } else { Ok(()) }
}

fn too_many(most: usize, what: &str) -> Failure {
    Failure::new(Code::StatementSyntax, format!("A statement has at most {most} {what}."))
}

fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(word.keyword, Keyword::AND | Keyword::OR | Keyword::NOT),
        Token::Whitespace(_) | Token::Comma | Token::LParen | Token::RParen | Token::Period => false,
        Token::Number(..) | Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::EOF => false,
        _ => true,
    }
}

fn joins_queries(token: &Token) -> bool {
    let Token::Word(word) = token else { return false };
    matches!(word.keyword, Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT)
}

fn only_question(statement: Statement) -> Result<Question, Failure> {
    match &statement {
        Statement::Statement(inner) => match &**inner {
            ast::Statement::ShowTables { .. } => Ok(Question::ShowTables),
            ast::Statement::ShowColumns { show_options, .. } => columns_of(show_options),
            inner if asks(inner) => Ok(Question::Plan(statement)),
            _ => Err(forbidden()),
        },
        Statement::Explain(explain) if is_question(&explain.statement) => Ok(Question::Plan(statement)),
        _ => Err(forbidden()),
    }
}

fn is_question(statement: &Statement) -> bool {
    matches!(statement, Statement::Statement(inner) if asks(inner))
}

fn asks(statement: &ast::Statement) -> bool {
    match statement {
        ast::Statement::Query(_) | ast::Statement::ExplainTable { .. } => true,
        ast::Statement::Explain { statement, .. } => asks(statement),
        _ => false,
    }
}

fn columns_of(options: &ast::ShowStatementOptions) -> Result<Question, Failure> {
    let table = options.show_in.as_ref().and_then(|show_in| show_in.parent_name.as_ref());
    match table {
        Some(table) => Ok(Question::ShowColumns(table.to_string())),
        None => Err(Failure::new(Code::StatementSyntax, "Whose columns?").hint("SHOW COLUMNS FROM calls")),
    }
}

/// The failure of a statement that would change something.
pub(crate) fn forbidden() -> Failure {
    Failure::new(Code::StatementForbidden, "Statements in SQL can only ask, not change anything.")
        .hint("Begin with SELECT, WITH, EXPLAIN or DESCRIBE.")
}
