//! SQL as text: one statement, and only a question.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{self, Visit, Visitor};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use glasshull_api::{Code, Failure};

use crate::dialect::Questions;
use crate::failure::failure;

/// How deep expressions and subqueries may be nested.
const MAX_NESTING: usize = 100;

/// Operators of one statement: `a OR b OR ..` is a tree as deep as it has operators, through which DataFusion's rules
/// walk again and again.
const MAX_OPERATORS: usize = 1_000;

/// Steps into JSON values (`->`, `->>`): the title of each in a chain holds the titles before it.
const MAX_STEPS: usize = 200;

/// How deep what DataFusion plans twice may be nested: each level doubles the plan.
const MAX_DOUBLINGS: usize = 8;

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
        .with_dialect(&Questions)
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
    check_shape(&statement)?;
    only_question(statement)
}

/// Refuses what would take for ever to plan.
fn check_shape(statement: &Statement) -> Result<(), Failure> {
    let mut shape = Shape::default();
    let _: ControlFlow<()> = match statement {
        Statement::Statement(statement) => statement.visit(&mut shape),
        Statement::Explain(explain) => return check_shape(&explain.statement),
        _ => return Ok(()),
    };
    if shape.relations > MAX_RELATIONS {
        return Err(too_many(MAX_RELATIONS, "tables"));
    }
    if shape.deepest > MAX_DOUBLINGS {
        return Err(too_many(MAX_DOUBLINGS, "subqueries or calls of coalesce inside each other"));
    }
    Ok(())
}

/// What of a statement its plan grows with.
#[derive(Default)]
struct Shape {
    relations: usize,
    /// Doublings the visit is inside of.
    depth: usize,
    deepest: usize,
}

impl Visitor for Shape {
    type Break = ();

    fn pre_visit_relation(&mut self, _: &ast::ObjectName) -> ControlFlow<()> {
        self.relations += 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        self.depth += usize::from(doubles(expr));
        self.deepest = self.deepest.max(self.depth);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
        self.depth -= usize::from(doubles(expr));
        ControlFlow::Continue(())
    }
}

/// Whether DataFusion plans what is inside of it twice.
fn doubles(expr: &ast::Expr) -> bool {
    const FUNCTIONS: [&str; 5] = ["coalesce", "nvl", "nvl2", "ifnull", "nullif"];
    match expr {
        ast::Expr::Subquery(_) | ast::Expr::InSubquery { .. } | ast::Expr::Exists { .. } => true,
        ast::Expr::Function(function) => {
            let name = function.name.to_string();
            FUNCTIONS.iter().any(|doubling| doubling.eq_ignore_ascii_case(&name))
        }
        _ => false,
    }
}

/// Refuses what would be too large a tree, before it is made.
fn check_size(sql: &str) -> Result<(), Failure> {
    // What is no tokens is no statement either: the parser says where.
    let Ok(tokens) = Tokenizer::new(&Questions, sql).tokenize() else { return Ok(()) };
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
