use std::collections::HashSet;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::members::members;
use super::{TAKEN_APART, form_column, member_column};
use crate::schema;

/// Rows from which it is chosen.
pub(crate) const SAMPLE_ROWS: usize = 1_024;

/// Segments of fewer rows have no columns for members: each costs some hundred bytes, whatever is in it.
pub(crate) const MIN_ROWS: usize = 4_096;

/// Members of a value that have columns, at most: what a reader must open to put it together.
const MAX_MEMBERS: usize = 32;

/// Keys of a sample that are counted: values without end to their keys have none that most have.
const MAX_KEYS: usize = 8 * MAX_MEMBERS;

/// Of so many rows one has the member at least; a column of fewer says nearly everywhere that it is not there.
const ONE_IN: usize = 64;

/// Of so many values of a column one is different at most for a dictionary of them to be smaller.
const REPEATED: usize = 10;

/// A member that has a column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MemberColumn {
    pub(super) key: String,
    /// Whether its values repeat.
    repeats: bool,
}

/// Which members of values have columns in a segment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Layout {
    /// By place in [`TAKEN_APART`].
    values: [Vec<MemberColumn>; TAKEN_APART.len()],
}

impl Layout {
    /// What suits a segment of so many rows, of which these are a sample with the columns of [`schema::rows`].
    pub(crate) fn of(sample: &RecordBatch, rows: usize) -> Self {
        if rows < MIN_ROWS {
            return Self::default();
        }
        let of = |value: &str| sample.column_by_name(value).and_then(|column| column.as_string_opt::<i32>());
        Self { values: TAKEN_APART.map(|value| of(value).map(chosen).unwrap_or_default()) }
    }

    #[cfg(test)]
    pub(super) fn of_values(value: &str, sample: &StringArray) -> Self {
        Self { values: TAKEN_APART.map(|name| if name == value { chosen(sample) } else { Vec::new() }) }
    }

    /// The members of this value that have columns.
    pub(super) fn members(&self, value: &str) -> &[MemberColumn] {
        TAKEN_APART.iter().position(|name| *name == value).map_or(&[], |at| &self.values[at])
    }

    /// The columns of a segment: those of [`schema::rows`], then for each value that is taken apart its forms and members.
    pub(crate) fn schema(&self) -> SchemaRef {
        let rows = schema::rows();
        let plain = rows.fields().iter().map(|field| match TAKEN_APART.contains(&field.name().as_str()) {
            true => field.as_ref().clone().with_nullable(true),
            false => field.as_ref().clone(),
        });
        let more = TAKEN_APART.iter().flat_map(|value| self.fields(value));
        std::sync::Arc::new(Schema::new(plain.chain(more).collect::<Vec<_>>()))
    }

    /// The columns of a value beside its own.
    pub(super) fn fields(&self, value: &str) -> Vec<Field> {
        let members = self.members(value);
        let form = (!members.is_empty()).then(|| Field::new(form_column(value), schema::named(), true));
        let members = members.iter().map(|member| Field::new(member_column(value, &member.key), DataType::Utf8, true));
        form.into_iter().chain(members).collect()
    }

    /// The columns of members, and whether their values repeat.
    pub(crate) fn member_columns(&self) -> impl Iterator<Item = (String, bool)> {
        let of = |value: &str| self.members(value).to_vec();
        TAKEN_APART
            .into_iter()
            .flat_map(move |value| of(value).into_iter().map(move |it| (member_column(value, &it.key), it.repeats)))
    }
}

/// The members that most rows have, in the order in which they come first.
fn chosen(sample: &StringArray) -> Vec<MemberColumn> {
    let mut seen: Vec<(&str, usize, HashSet<&str>)> = Vec::new();
    for json in sample.iter().flatten() {
        members(json, |part| {
            if let Some((_, times, values)) = seen.iter_mut().find(|(key, ..)| *key == part.key) {
                *times += 1;
                values.insert(part.value);
            } else if seen.len() < MAX_KEYS {
                seen.push((part.key, 1, HashSet::from([part.value])));
            }
            true
        });
    }
    let least = (sample.len() / ONE_IN).max(2);
    let mut rank: Vec<usize> = seen.iter().map(|(_, times, _)| *times).collect();
    rank.sort_unstable_by_key(|times| std::cmp::Reverse(*times));
    let least = rank.get(MAX_MEMBERS).map_or(least, |&next| least.max(next + 1));
    let often = seen.into_iter().filter(|(_, times, _)| *times >= least);
    often
        .map(|(key, times, values)| MemberColumn { key: key.to_owned(), repeats: values.len() * REPEATED <= times })
        .collect()
}
