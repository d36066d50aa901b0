//! What is asked, of all three systems: the one place to change a question.

use std::collections::BTreeMap;

use serde_json::Value;

use super::workload::{self, BEGINS_NS, CALLS_PER_HOUR, CALLS_PER_TRACE, HOUR_NS};

/// Whose calls are asked for: the eleventh most popular function, some 1.6 % of all calls.
const FUNCTION: u16 = 10;

/// Of answers in floating point: how far they may lie apart, as a share. Between two durations DataFusion interpolates
/// in steps of a millionth of what lies between them.
const TOLERANCE: f64 = 1e-5;

/// The questions whose answers are compared with each other.
const EXACT: &str = "count and p99 by function, exact";
const ESTIMATED: &str = "count and p99 by function, estimated";

/// A question in three languages.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) what: &'static str,
    /// In Glasshull's language: the first of them that the hub understands.
    pub(super) ours: Vec<String>,
    pub(super) clickhouse: String,
    pub(super) duckdb: String,
    /// Columns of the answer that are compared.
    pub(super) columns: &'static [(&'static str, Kind)],
    pub(super) rows: Option<usize>,
    pub(super) goal: Goal,
    /// Bytes of a call that have to be read, where all calls have to be.
    pub(super) bytes_of_each_call: f64,
}

/// How a column's values are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// A call's id: a text of 16 hexadecimal digits from us, a number from others.
    Id,
    Text,
    Number,
}

/// At most so many milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    None,
    /// What ClickHouse takes in the same run.
    AsClickHouse,
    /// Warm and cold, at 10 million calls and at 100 million.
    Milliseconds {
        warm: [Option<f64>; 2],
        cold: [Option<f64>; 2],
    },
}

impl Goal {
    /// For so many calls.
    pub(super) fn warm(self, calls: u64, clickhouse: Option<f64>) -> Option<f64> {
        match self {
            Self::None => None,
            Self::AsClickHouse => clickhouse,
            Self::Milliseconds { warm, .. } => warm[size(calls)],
        }
    }

    pub(super) fn cold(self, calls: u64) -> Option<f64> {
        let Self::Milliseconds { cold, .. } = self else { return None };
        cold[size(calls)]
    }
}

/// Goals are set for 10 million calls and for 100 million; fewer calls have the former.
fn size(calls: u64) -> usize {
    usize::from(calls > CALLS_PER_HOUR)
}

/// All that is asked of so many calls.
pub(super) fn all(calls: u64) -> Vec<Question> {
    // Of the middle of the time there is.
    let trace = calls / CALLS_PER_TRACE / 2;
    vec![count(), one_trace(trace), any_value(trace), slowest(), exact_p99(""), rough_p99()]
}

/// Count and p99 by function, of the first hour only.
pub(super) fn first_hour() -> Question {
    let question = exact_p99(&format!("WHERE started_at < {}", BEGINS_NS + HOUR_NS));
    let began = "2026-11-20T11:00:00Z";
    let ours = format!("WHERE started_at < TIMESTAMP '{began}'");
    Question { ours: exact_p99(&ours).ours, what: "count and p99 by function, one hour", goal: Goal::None, ..question }
}

fn same(sql: &str) -> [String; 3] {
    [sql.into(), sql.into(), sql.into()]
}

/// Every call is there.
fn count() -> Question {
    let [ours, clickhouse, duckdb] = same("SELECT count(*) AS calls FROM calls");
    Question {
        what: "count of all",
        ours: vec![ours],
        clickhouse,
        duckdb,
        columns: &[("calls", Kind::Number)],
        rows: Some(1),
        goal: Goal::None,
        bytes_of_each_call: 0.0,
    }
}

const A_CALL: &[(&str, Kind)] = &[
    ("call_id", Kind::Id),
    ("parent_id", Kind::Id),
    ("function", Kind::Text),
    ("instance", Kind::Text),
    ("duration_ns", Kind::Number),
    ("outcome", Kind::Text),
    ("args", Kind::Text),
    ("returned", Kind::Text),
    ("error", Kind::Text),
];

/// All of a call that a tree shows.
const SHOWN: &str =
    "call_id, parent_id, function, instance, started_at, duration_ns, outcome, args, returned, error, depth, position";

fn one_trace(trace: u64) -> Question {
    let id = workload::trace_id(trace);
    let guid = workload::guid(id);
    let of = |literal: String| format!("SELECT {SHOWN} FROM calls WHERE trace_id = {literal}");
    Question {
        what: "one trace by id",
        ours: vec![of(format!("'{id:032x}'"))],
        clickhouse: of(format!("toUUID('{guid}')")),
        duckdb: of(format!("'{guid}'::UUID")),
        columns: A_CALL,
        rows: Some(CALLS_PER_TRACE as usize),
        goal: Goal::Milliseconds { warm: [Some(5.0); 2], cold: [Some(30.0); 2] },
        bytes_of_each_call: 0.0,
    }
}

/// A GUID, whoever had it in whatever argument.
fn any_value(trace: u64) -> Question {
    let order = workload::order(trace);
    let like = format!("SELECT call_id, service, function, args FROM calls WHERE args LIKE '%{order}%'");
    // The tokens on both ends have to be named: `LIKE` makes use of those in between only.
    let tokens: Vec<String> = order.split('-').map(|token| format!("hasToken(args, '{token}')")).collect();
    Question {
        what: "a GUID in any argument",
        ours: vec![format!("FIND '{order}'"), like.clone()],
        clickhouse: format!("{like} AND {}", tokens.join(" AND ")),
        duckdb: like,
        columns: &[("call_id", Kind::Id), ("function", Kind::Text), ("args", Kind::Text)],
        rows: Some(CALLS_PER_TRACE as usize),
        goal: Goal::Milliseconds { warm: [Some(12.0), Some(40.0)], cold: [Some(300.0); 2] },
        bytes_of_each_call: 0.0,
    }
}

fn slowest() -> Question {
    let function = workload::function(FUNCTION);
    let [ours, clickhouse, duckdb] = same(&format!(
        "SELECT call_id, function, duration_ns, args FROM calls WHERE function = '{function}' \
         ORDER BY duration_ns DESC LIMIT 100"
    ));
    Question {
        what: "top 100 slowest of one function",
        ours: vec![ours],
        clickhouse,
        duckdb,
        columns: &[("call_id", Kind::Id), ("duration_ns", Kind::Number), ("args", Kind::Text)],
        rows: None,
        goal: Goal::Milliseconds { warm: [Some(20.0), Some(50.0)], cold: [None; 2] },
        bytes_of_each_call: 0.0,
    }
}

fn by_function(p99: &str, filter: &str) -> String {
    format!("SELECT function, count(*) AS calls, {p99} AS p99 FROM calls {filter} GROUP BY function")
}

/// All three interpolate between the two durations next to the place.
fn exact_p99(filter: &str) -> Question {
    Question {
        what: EXACT,
        ours: vec![by_function("percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns)", filter)],
        clickhouse: by_function("quantileExactInclusive(0.99)(duration_ns)", filter),
        duckdb: by_function("quantile_cont(duration_ns, 0.99)", filter),
        columns: &[("function", Kind::Text), ("calls", Kind::Number), ("p99", Kind::Number)],
        rows: None,
        goal: Goal::AsClickHouse,
        // A number for the function, and the duration.
        bytes_of_each_call: 9.0,
    }
}

fn rough_p99() -> Question {
    Question {
        what: ESTIMATED,
        ours: vec![by_function("approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns)", "")],
        clickhouse: by_function("quantileTDigest(0.99)(duration_ns)", ""),
        duckdb: by_function("approx_quantile(duration_ns, 0.99)", ""),
        // Estimates differ from each other, of a function with few calls by a tenth.
        columns: &[("function", Kind::Text), ("calls", Kind::Number)],
        rows: None,
        goal: Goal::Milliseconds { warm: [Some(50.0); 2], cold: [None; 2] },
        bytes_of_each_call: 9.0,
    }
}

/// How far our estimated p99 lies from our exact one, as a share of it: of the function where that is furthest. `None`
/// where not both were answered, or of different functions.
pub(super) fn furthest_estimate<'a>(answers: impl Iterator<Item = (&'a Question, &'a Answer)> + Clone) -> Option<f64> {
    let p99 = |what| -> Option<BTreeMap<&str, f64>> {
        let (_, answer) = answers.clone().find(|(question, _)| question.what == what)?;
        let place = |name| answer.columns.iter().position(|column| column == name);
        let (function, p99) = (place("function")?, place("p99")?);
        answer.rows.iter().map(|row| Some((row[function].as_str()?, row[p99].as_f64()?))).collect()
    };
    let (exact, estimated) = (p99(EXACT)?, p99(ESTIMATED)?);
    let same = !exact.is_empty() && exact.keys().eq(estimated.keys());
    let distances =
        exact.iter().map(|(function, exact)| (estimated.get(function).map_or(0.0, |p99| p99 - exact) / exact).abs());
    same.then(|| distances.fold(0.0, f64::max))
}

/// An answer: names of columns, and rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Question {
    /// What is wrong with an answer: how it differs from ours, or from what is expected at all.
    pub(super) fn differs(&self, theirs: &Answer, ours: &Answer) -> Option<String> {
        let (theirs, ours) = (self.canonical(theirs), self.canonical(ours));
        let expected = self.rows.unwrap_or(ours.len());
        if theirs.len() != expected || ours.len() != expected {
            return Some(format!("{} rows, we have {}", theirs.len(), ours.len()));
        }
        let differing = theirs.iter().zip(&ours).find(|(theirs, ours)| !self.same(theirs, ours));
        differing.map(|(theirs, ours)| format!("{theirs:?}, we have {ours:?}"))
    }

    fn same(&self, theirs: &[String], ours: &[String]) -> bool {
        self.columns.iter().zip(theirs.iter().zip(ours)).all(|(&(_, kind), (theirs, ours))| match kind {
            Kind::Number => near(theirs, ours),
            Kind::Id | Kind::Text => theirs == ours,
        })
    }

    /// The columns that are compared, as text, in an order that does not depend on who answers.
    fn canonical(&self, answer: &Answer) -> Vec<Vec<String>> {
        let place = |name| answer.columns.iter().position(|column| column == name);
        let places: Vec<_> = self.columns.iter().map(|&(name, kind)| (place(name), kind)).collect();
        let value = |row: &Vec<Value>, &(place, kind): &(Option<usize>, Kind)| {
            text(place.and_then(|place| row.get(place)).unwrap_or(&Value::Null), kind)
        };
        let mut rows: Vec<Vec<String>> =
            answer.rows.iter().map(|row| places.iter().map(|place| value(row, place)).collect()).collect();
        rows.sort();
        rows
    }
}

fn near(a: &str, b: &str) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
        _ => a == b,
    }
}

/// Nothing, an empty text and an id of 0 are the same: others write down the one for the other.
fn text(value: &Value, kind: Kind) -> String {
    match (value, kind) {
        (Value::Null, _) => String::new(),
        (Value::String(text), _) => text.clone(),
        (Value::Number(id), Kind::Id) => {
            id.as_u64().filter(|&id| id > 0).map_or(String::new(), |id| format!("{id:016x}"))
        }
        (other, _) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(columns: &[&str], rows: Value) -> Answer {
        let columns = columns.iter().map(|&column| column.into()).collect();
        Answer { columns, rows: serde_json::from_value(rows).unwrap() }
    }

    #[test]
    fn answers_are_the_same_whatever_their_order_and_their_way_to_write_ids() {
        let question = Question { rows: None, ..any_value(0) };
        let ours = answer(&["call_id", "function", "args"], json!([["00ff", "f", "{}"]]));
        let ours = Answer { rows: vec![vec![json!("10000000000000ff"), json!("f"), json!("{}")]], ..ours };
        let theirs = answer(&["function", "call_id", "args"], json!([["f", 1_152_921_504_606_847_231u64, "{}"]]));
        assert_eq!(question.differs(&theirs, &ours), None);
        let other = answer(&["function", "call_id", "args"], json!([["g", 1_152_921_504_606_847_231u64, "{}"]]));
        assert!(question.differs(&other, &ours).is_some());
    }

    #[test]
    fn a_missing_row_is_a_difference() {
        let columns = ["function", "calls", "p99"];
        let ours = answer(&columns, json!([["f", 2, 3.5], ["g", 1, 1.0]]));
        assert_eq!(exact_p99("").differs(&ours, &ours), None);
        assert!(exact_p99("").differs(&answer(&columns, json!([["f", 2, 3.5]])), &ours).is_some());
    }

    #[test]
    fn the_furthest_estimate_is_told() {
        let columns = ["function", "calls", "p99"];
        let [exact, near] =
            [[200.0, 50.0], [201.0, 49.0]].map(|[f, g]| answer(&columns, json!([["f", 2, f], ["g", 3, g]])));
        let (asked, other) = ([exact_p99(""), rough_p99()], answer(&columns, json!([["f", 2, 1.0]])));
        let furthest = |answers: [&Answer; 2]| furthest_estimate(asked.iter().zip(answers));
        assert_eq!((furthest([&exact, &exact]), furthest([&exact, &near])), (Some(0.0), Some(0.02)));
        assert_eq!((furthest([&exact, &other]), furthest_estimate(asked.iter().zip([&exact]))), (None, None));
    }

    #[test]
    fn numbers_may_differ_by_how_they_are_interpolated_and_no_more() {
        let columns = ["function", "calls", "p99"];
        let [ours, near, far] = [1e6, 1e6 + 3.0, 1e6 + 300.0].map(|p99| answer(&columns, json!([["f", 2, p99]])));
        assert_eq!(exact_p99("").differs(&near, &ours), None);
        assert!(exact_p99("").differs(&far, &ours).is_some());
    }
}
