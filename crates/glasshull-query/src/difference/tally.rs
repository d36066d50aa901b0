//! How often each value is there, on both sides.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use glasshull_api::answers::{ColumnKind, Difference};
use serde_json::Value;

use super::SELECTED;
use super::keys::{Step, expression, leaves, quoted, title};
use super::measure::{SURE, Share, difference, strength};
use crate::answer::{kind, value};

/// Columns and paths that are told apart; further ones are left out, and told so.
const MAX_KEYS: usize = 500;
/// Different values of one of them; when there are twice as many, the rarest are forgotten, so that a value may be counted
/// too low, never too high.
const MAX_VALUES: usize = 500;
/// Longer texts are no values to be compared: nobody reads them.
const MAX_TEXT_BYTES: usize = 200;
/// Differences that are told, and of each key.
const MAX_TOLD: usize = 50;
const MAX_TOLD_OF_KEY: usize = 3;

/// Rows of the rest and selected ones.
type Sides = [u64; 2];

/// All keys.
pub(super) struct Tallies {
    columns: Vec<Column>,
    selected: usize,
    /// What rows are selected by, without blanks.
    condition: String,
    keys: BTreeMap<(usize, Vec<Step>), Tally>,
    rows: Sides,
    has_left_out_keys: bool,
}

struct Column {
    name: String,
    kind: ColumnKind,
    /// Its values distinguish nothing: they are a row's own, or what it was selected by.
    skipped: bool,
}

/// One key.
#[derive(Default)]
struct Tally {
    present: Sides,
    values: HashMap<Told, Sides>,
    numbers: BTreeMap<u16, Bucket>,
}

/// A value as it is written: in SQL, and for people.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Told {
    sql: String,
    text: String,
}

/// Numbers that are nearly equal.
#[derive(Clone, Copy)]
struct Bucket {
    least: f64,
    rows: Sides,
}

impl Tallies {
    pub(super) fn new(schema: &Schema, condition: &str) -> Self {
        let words = without_texts(condition);
        let column = |name: &str, of: &DataType| Column {
            name: name.to_owned(),
            kind: kind(name, of),
            skipped: name.ends_with("_id") || name == SELECTED || of.is_temporal() || is_named(&words, name),
        };
        let columns: Vec<Column> =
            schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect();
        let selected = columns.iter().rposition(|column| column.name == SELECTED).unwrap_or_default();
        let condition = squeezed(condition);
        Self { columns, selected, condition, keys: BTreeMap::new(), rows: [0; 2], has_left_out_keys: false }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows.iter().sum()
    }

    pub(super) fn sides(&self) -> Sides {
        self.rows
    }

    /// What was not counted, where something was not.
    pub(super) fn left_out(&self) -> Option<String> {
        self.has_left_out_keys.then(|| format!("Only the first {MAX_KEYS} columns and paths were compared."))
    }

    pub(super) fn count(&mut self, batch: &RecordBatch) {
        let selected = batch.column(self.selected).as_boolean();
        let sides: Vec<usize> = selected.iter().map(|selected| usize::from(selected == Some(true))).collect();
        sides.iter().for_each(|side| self.rows[*side] += 1);
        for at in 0..self.columns.len() {
            if self.columns[at].skipped {
                continue;
            }
            let array = batch.column(at);
            for (row, side) in sides.iter().enumerate() {
                self.count_value(at, &value(array, row), *side);
            }
        }
    }

    fn count_value(&mut self, column: usize, value: &Value, side: usize) {
        let json = match (value, self.columns[column].kind) {
            (Value::Null, _) => return,
            (Value::String(text), ColumnKind::Json) => {
                serde_json::from_str::<Value>(text).ok().map(|inner| (inner, text))
            }
            _ => None,
        };
        match json {
            None => self.count_leaf(column, &[], value, None, side),
            Some((inner, written)) => leaves(&inner, &mut |path, leaf| {
                // A whole value is compared as it was written.
                let written = path.is_empty().then_some(written.as_str());
                self.count_leaf(column, path, leaf, written, side);
            }),
        }
    }

    fn count_leaf(&mut self, column: usize, path: &[Step], leaf: &Value, written: Option<&str>, side: usize) {
        let key = (column, path.to_vec());
        if self.keys.len() >= MAX_KEYS && !self.keys.contains_key(&key) {
            self.has_left_out_keys = true;
            return;
        }
        let tally = self.keys.entry(key).or_default();
        tally.present[side] += 1;
        if let Some(told) = told(leaf, written, path) {
            tally.values.entry(told).or_default()[side] += 1;
            tally.forget();
        }
        if let Some(number) = leaf.as_f64() {
            let bucket = tally.numbers.entry(bucket_of(number)).or_insert(Bucket { least: number, rows: [0; 2] });
            bucket.least = bucket.least.min(number);
            bucket.rows[side] += 1;
        }
    }

    /// What distinguishes the selected rows, the surest first.
    pub(super) fn differences(&self) -> Vec<Difference> {
        let mut all: Vec<Difference> =
            self.keys.iter().flat_map(|((column, path), tally)| self.of_key(*column, path, tally)).collect();
        all.sort_by(by_sureness);
        all.truncate(MAX_TOLD);
        all
    }

    fn of_key(&self, column: usize, path: &[Step], tally: &Tally) -> Vec<Difference> {
        let name = &self.columns[column].name;
        let expression = expression(name, path);
        if self.condition.contains(&squeezed(&expression)) {
            return Vec::new();
        }
        let key = title(name, path);
        let told = |value: String, condition: String, rows: Sides| self.told(&key, value, condition, rows);
        let values = tally.values.iter();
        let equal =
            values.filter_map(|(value, rows)| told(value.text.clone(), format!("{expression} = {}", value.sql), *rows));
        let number = if path.is_empty() { expression.clone() } else { format!("TRY_CAST({expression} AS double)") };
        let bounds = tally.bounds(self.rows).into_iter().filter_map(|(sign, bound, rows)| {
            told(format!("{} {bound}", if sign == "<" { "<" } else { "≥" }), format!("{number} {sign} {bound}"), rows)
        });
        let there = told("is there".to_owned(), format!("{expression} IS NOT NULL"), tally.present);
        let mut all: Vec<Difference> = equal.chain(bounds).chain(there).collect();
        all.sort_by(by_sureness);
        all.truncate(MAX_TOLD_OF_KEY);
        without_repetitions(all)
    }

    /// A difference, if it is one.
    fn told(&self, key: &str, value: String, condition: String, [rest, selected]: Sides) -> Option<Difference> {
        let selected = Share { count: selected, of: self.rows[1] };
        let rest = Share { count: rest, of: self.rows[0] };
        let [low, high] = difference(selected, rest, SURE);
        (strength([low, high]) > 0.0).then(|| Difference {
            key: key.to_owned(),
            value,
            condition,
            selected: selected.count,
            selected_share: selected.value(),
            rest: rest.count,
            rest_share: rest.value(),
            low,
            high,
        })
    }
}

impl Tally {
    /// Keeps memory bounded: the rarest values go, those of selected rows last.
    fn forget(&mut self) {
        if self.values.len() <= 2 * MAX_VALUES {
            return;
        }
        let mut kept: Vec<(Told, Sides)> = self.values.drain().collect();
        kept.sort_unstable_by_key(|(_, [rest, selected])| std::cmp::Reverse((*selected, *rest)));
        kept.truncate(MAX_VALUES);
        self.values = kept.into_iter().collect();
    }

    /// The bounds that tell the sides apart best, from below and from above, with the rows they hold for.
    fn bounds(&self, all: Sides) -> Vec<(&'static str, f64, Sides)> {
        if self.numbers.len() < 2 {
            return Vec::new();
        }
        let share = |rows: Sides| rows[1] as f64 / all[1].max(1) as f64 - rows[0] as f64 / all[0].max(1) as f64;
        let mut below = [0; 2];
        let mut best: [Option<(f64, Sides)>; 2] = [None, None];
        for bucket in self.numbers.values() {
            let above = [self.numbers_of(0) - below[0], self.numbers_of(1) - below[1]];
            for (best, rows) in best.iter_mut().zip([above, below]) {
                let better = best.is_none_or(|(_, known)| share(rows) > share(known));
                if better && below != [0; 2] {
                    *best = Some((bucket.least, rows));
                }
            }
            below = [below[0] + bucket.rows[0], below[1] + bucket.rows[1]];
        }
        let [above, below] = best;
        let above = above.map(|(bound, rows)| (">=", bound, rows));
        above.into_iter().chain(below.map(|(bound, rows)| ("<", bound, rows))).collect()
    }

    fn numbers_of(&self, side: usize) -> u64 {
        self.numbers.values().map(|bucket| bucket.rows[side]).sum()
    }
}

/// The surest first; of two equally sure ones the value before the bound, which says less.
fn by_sureness(one: &Difference, other: &Difference) -> Ordering {
    let sureness = |of: &Difference| strength([of.low, of.high]);
    let is_bound = |of: &Difference| of.value.starts_with(['≥', '<']);
    let surest = sureness(other).total_cmp(&sureness(one));
    surest.then_with(|| is_bound(one).cmp(&is_bound(other))).then_with(|| one.condition.cmp(&other.condition))
}

/// Of differences that hold for the same rows only the first.
fn without_repetitions(all: Vec<Difference>) -> Vec<Difference> {
    let mut kept: Vec<Difference> = Vec::new();
    for one in all {
        if !kept.iter().any(|other| (other.selected, other.rest) == (one.selected, one.rest)) {
            kept.push(one);
        }
    }
    kept
}

/// A value as it is compared with; `None` for what is too long.
fn told(leaf: &Value, written: Option<&str>, path: &[Step]) -> Option<Told> {
    let text = match leaf {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let sql = match (written, leaf) {
        (Some(written), _) => quoted(written),
        (None, Value::Number(_) | Value::Bool(_)) if path.is_empty() || path.last() == Some(&Step::Length) => {
            text.clone()
        }
        _ => quoted(&text),
    };
    (text.len() <= MAX_TEXT_BYTES && sql.len() <= 2 * MAX_TEXT_BYTES).then_some(Told { sql, text })
}

/// Sixteen buckets for each power of two, in the order of the numbers: whole numbers up to 32 have one of their own.
fn bucket_of(number: f64) -> u16 {
    let bits = number.to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    (ordered >> 48) as u16
}

/// Columns that say what another one says: what was selected by the latter, the former does not explain.
const SAME: [(&str, &str); 2] = [("busy_ns", "duration_ns"), ("file", "function")];

fn is_named(condition: &str, column: &str) -> bool {
    names(condition, column) || SAME.iter().any(|(same, of)| *same == column && names(condition, of))
}

/// A condition without what stands between quotes.
fn without_texts(condition: &str) -> String {
    condition.split('\'').step_by(2).collect::<Vec<_>>().join("''")
}

/// Whether a condition names a column as a whole, not a path into it.
fn names(condition: &str, column: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    condition.match_indices(column).any(|(at, _)| {
        let rest = condition[at + column.len()..].trim_start_matches('"').trim_start();
        !condition[..at].ends_with(is_part)
            && !condition[at + column.len()..].starts_with(is_part)
            && !rest.starts_with("->")
    })
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_order_in_their_buckets() {
        let numbers = [-1e9, -2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 31.0, 32.0, 1e9];
        let buckets: Vec<u16> = numbers.iter().map(|number| bucket_of(*number)).collect();
        assert!(buckets.windows(2).all(|pair| pair[0] < pair[1]), "{buckets:?}");
    }

    #[test]
    fn a_condition_names_columns_but_not_paths_into_them() {
        assert!(names("duration_ns >= 5 AND x", "duration_ns"));
        assert!(names("\"release\" = '1'", "release"));
        assert!(!names("args->>'duration_ns' = '5'", "args"));
        assert!(!names("my_duration_ns > 5", "duration_ns"));
        assert!(!is_named(&without_texts("outcome = 'error' OR x = 'it''s function'"), "error"));
        assert!(is_named("duration_ns > 5", "busy_ns"));
    }

    #[test]
    fn what_has_too_many_values_keeps_those_that_are_frequent() {
        let mut tally = Tally::default();
        let told = |id: usize| Told { sql: id.to_string(), text: id.to_string() };
        for id in 0..50_000 {
            tally.values.entry(told(id)).or_default()[0] += 1;
            tally.values.entry(told(7)).or_default()[1] += 1;
            tally.forget();
            assert!(tally.values.len() <= 2 * MAX_VALUES + 1);
        }
        assert_eq!(tally.values[&told(7)][1], 50_000);
    }
}
