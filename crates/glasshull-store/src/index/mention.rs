//! Where a text stands in a column of values: what `FIND` looks for.

use arrow::array::{Array, BooleanArray, StringArray};
use arrow::buffer::BooleanBuffer;
use memchr::memmem::Finder;

use super::tokens::mentions;

/// What stands between the members of a JSON object, and what a form has in their places.
const BETWEEN_MEMBERS: [char; 5] = ['"', ',', ':', '}', '\u{1}'];

/// A text that is looked for, as [`mentions`] does, in many values.
#[derive(Debug)]
pub struct Mention<'t> {
    text: &'t str,
    finder: Finder<'t>,
}

impl<'t> Mention<'t> {
    /// Of this text.
    pub fn of(text: &'t str) -> Self {
        Self { text, finder: Finder::new(text) }
    }

    /// Whether it stands in one member's key or value wherever an object mentions it, never across the border of two.
    pub fn stays_in_members(&self) -> bool {
        !self.text.contains(BETWEEN_MEMBERS)
    }

    /// Which of the values mention it; null is one that is null.
    pub fn in_each(&self, values: &StringArray) -> BooleanArray {
        BooleanArray::new(self.found_in(values), values.nulls().cloned())
    }

    /// The same, where one that is null does not.
    pub(crate) fn found_in(&self, values: &StringArray) -> BooleanBuffer {
        let offsets = values.value_offsets();
        let bytes = match offsets {
            [first, .., last] => &values.value_data()[*first as usize..*last as usize],
            _ => &[],
        };
        // Most columns hold it nowhere, which is seen without a look at where each value ends.
        if !self.may_be_in(bytes) {
            return BooleanBuffer::new_unset(values.len());
        }
        BooleanBuffer::collect_bool(values.len(), |row| {
            let value = values.value(row);
            values.is_valid(row) && self.may_be_in(value.as_bytes()) && mentions(value, self.text)
        })
    }

    /// Whether it stands there, or escapes do that may stand for it.
    fn may_be_in(&self, json: &[u8]) -> bool {
        self.finder.find(json).is_some() || memchr::memchr(b'\\', json).is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_column_is_looked_through_as_each_of_its_values_is(
            texts in prop::collection::vec(prop::option::of("[ab\"\\\\é -]{0,6}"), 0..20),
            text in "[ab\"\\\\é -]{0,3}", from in 0usize..20, length in 0usize..20,
        ) {
            let json = texts.iter().map(|text| text.as_ref().map(|text| serde_json::to_string(text).unwrap()));
            let values: StringArray = json.collect();
            let from = from.min(values.len());
            let values = values.slice(from, length.min(values.len() - from));
            let each: BooleanArray = values.iter().map(|value| value.map(|value| mentions(value, &text))).collect();
            prop_assert_eq!(Mention::of(&text).in_each(&values), each);
        }
    }
}
