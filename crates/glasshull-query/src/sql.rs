//! SQL as text: one statement, and only a question.

use datafusion::logical_expr::sqlparser::ast;
use datafusion::logical_expr::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use glasshull_api::{Code, Failure};

use crate::failure::failure;

/// How deep expressions and subqueries may be nested.
const MAX_NESTING: usize = 100;

/// A question that was read.
pub(crate) enum Question {
    /// Something to be planned and carried out.
    Plan(Statement),
    ShowTables,
    ShowColumns(String),
}

/// Reads one question.
pub(crate) fn question(sql: &str) -> Result<Question, Failure> {
    let mut statements = DFParserBuilder::new(sql)
        // Its arrows (`args->>'sku' = 'x'`) bind tighter than comparisons, others' do not.
        .with_dialect(&PostgreSqlDialect {})
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
    only_question(statement)
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
