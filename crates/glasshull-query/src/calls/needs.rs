//! What rows must have for a filter to let them through, as far as a segment's index knows.

use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Like, Operator};
use glasshull_store::index::{Key, Lookup, words_inside, words_of_json, words_of_text};
use glasshull_store::schema;

use crate::mentions::MENTIONS;

/// What a row must have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Need {
    /// Nothing that an index knows of.
    Nothing,
    Key(Key),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Need {
    /// What all of the filters need.
    pub(super) fn of(filters: &[Expr]) -> Self {
        all(filters.iter().map(of))
    }

    /// All keys in it.
    pub(super) fn keys(&self) -> Vec<Key> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Key(key) => vec![*key],
            Self::All(needs) | Self::Any(needs) => needs.iter().flat_map(Self::keys).collect(),
        }
    }

    /// Whether rows of a granule may have it, by what was read of the index.
    pub(super) fn may_be_in(&self, granule: usize, lookup: &Lookup) -> bool {
        match self {
            Self::Nothing => true,
            Self::Key(key) => lookup.may_have(granule, *key),
            Self::All(needs) => needs.iter().all(|need| need.may_be_in(granule, lookup)),
            Self::Any(needs) => needs.iter().any(|need| need.may_be_in(granule, lookup)),
        }
    }
}

fn all(needs: impl Iterator<Item = Need>) -> Need {
    let mut needs: Vec<Need> = needs.filter(|need| *need != Need::Nothing).collect();
    match needs.len() {
        0 => Need::Nothing,
        1 => needs.remove(0),
        _ => Need::All(needs),
    }
}

fn any(needs: impl Iterator<Item = Need>) -> Need {
    let needs: Vec<Need> = needs.collect();
    if needs.is_empty() || needs.contains(&Need::Nothing) { Need::Nothing } else { Need::Any(needs) }
}

fn of(filter: &Expr) -> Need {
    match filter {
        Expr::Alias(alias) => of(&alias.expr),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => all([of(left), of(right)].into_iter()),
            Operator::Or => any([of(left), of(right)].into_iter()),
            Operator::Eq => match (text(left), text(right)) {
                (None, Some(text)) => equal(left, text),
                (Some(text), None) => equal(right, text),
                _ => Need::Nothing,
            },
            _ => Need::Nothing,
        },
        Expr::InList(InList { expr, list, negated: false }) => {
            any(list.iter().map(|item| text(item).map_or(Need::Nothing, |text| equal(expr, text))))
        }
        Expr::Like(Like { negated: false, expr, pattern, escape_char: None, case_insensitive: false }) => {
            match (text(pattern), what(expr)) {
                (Some(pattern), Some(What::Value | What::Part)) => like(pattern),
                _ => Need::Nothing,
            }
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == MENTIONS => match &args[..] {
            [value, mentioned] => match (what(value), text(mentioned)) {
                (Some(What::Value), Some(mentioned)) => words(|word| words_of_text(mentioned, word)),
                _ => Need::Nothing,
            },
            _ => Need::Nothing,
        },
        _ => Need::Nothing,
    }
}

/// What of a row an expression stands for.
enum What {
    Trace,
    Call,
    Function,
    /// A stored value.
    Value,
    /// A part of a stored value, `args ->> 'sku'`: text without its escapes, other values as they are stored.
    Part,
}

fn what(expr: &Expr) -> Option<What> {
    match expr {
        Expr::Alias(alias) => what(&alias.expr),
        Expr::Column(column) => {
            let place = schema::calls().index_of(&column.name).ok()?;
            match place {
                schema::TRACE_ID => Some(What::Trace),
                schema::CALL_ID => Some(What::Call),
                schema::FUNCTION => Some(What::Function),
                _ => schema::VALUES.contains(&place).then_some(What::Value),
            }
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "json_as_text" => {
            matches!(what(args.first()?)?, What::Value).then_some(What::Part)
        }
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        Expr::Alias(alias) => text(&alias.expr),
        _ => None,
    }
}

fn equal(expr: &Expr, text: &str) -> Need {
    match what(expr) {
        Some(What::Trace) => Need::Key(Key::trace(text)),
        Some(What::Call) => Need::Key(Key::call(text)),
        Some(What::Function) => Need::Key(Key::function(text)),
        Some(What::Value) => words(|word| words_of_json(text, word)),
        // A list or an object is as it is stored, with escapes; whether it is one its text does not tell for sure.
        Some(What::Part) if text.contains('\\') => Need::Nothing,
        Some(What::Part) => words(|word| words_of_text(text, word)),
        None => Need::Nothing,
    }
}

/// What lies between the wildcards stands in the text.
fn like(pattern: &str) -> Need {
    // A wildcard that is escaped is none; which ones are is left to who evaluates it.
    if pattern.contains('\\') {
        return Need::Nothing;
    }
    let parts: Vec<&str> = pattern.split(['%', '_']).collect();
    let last = parts.len() - 1;
    words(|word| {
        for (place, part) in parts.iter().enumerate() {
            words_inside(part, place > 0, place < last, &mut *word);
        }
    })
}

fn words(of: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Need {
    let mut keys = Vec::new();
    of(&mut |word| keys.push(Key::word(word)));
    keys.sort();
    keys.dedup();
    all(keys.into_iter().map(Need::Key))
}
