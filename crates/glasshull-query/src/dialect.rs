//! SQL as it is read here: PostgreSQL's, whose arrows bind tighter than comparisons (`args->>'sku' = 'x'`), without
//! what only PostgreSQL's functions need.

use std::any::TypeId;

use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

/// PostgreSQL's dialect but for arguments named by expressions: to look for them the parser reads each argument
/// twice, so that nested calls cost it two to the power of their depth.
#[derive(Debug)]
pub(crate) struct Questions;

const POSTGRESQL: PostgreSqlDialect = PostgreSqlDialect {};

/// Hands methods without arguments on.
macro_rules! as_postgresql {
    ($($name:ident)+) => { $(fn $name(&self) -> bool { POSTGRESQL.$name() })+ };
}

impl Dialect for Questions {
    fn dialect(&self) -> TypeId {
        POSTGRESQL.dialect()
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        POSTGRESQL.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        POSTGRESQL.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        POSTGRESQL.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        POSTGRESQL.is_identifier_part(ch)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        POSTGRESQL.is_custom_operator_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        POSTGRESQL.is_reserved_for_identifier(keyword)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        POSTGRESQL.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        POSTGRESQL.prec_value(precedence)
    }

    as_postgresql! {
        supports_unicode_string_literal
        supports_filter_during_aggregation
        supports_group_by_expr
        allow_extract_custom
        allow_extract_single_quotes
        supports_explain_with_utility_options
        supports_bitwise_shift_operators
        supports_nested_comments
        supports_string_escape_constant
        supports_numeric_literal_underscores
        supports_array_typedef_with_brackets
        supports_notnull_operator
        supports_interval_options
        supports_select_wildcard_with_alias
        supports_comma_separated_trim
    }
}
