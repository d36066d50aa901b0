//! Texts that repeat, each written once.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::error::ArrowError;

/// So many different texts a column may have however few rows it has: what they take is little.
const FEW: usize = 4_096;

/// What a place takes, in bytes.
const PLACE_BYTES: usize = 4;

/// The different texts of a column, and where each row's stands among them.
#[derive(Default)]
pub(super) struct Names {
    places: HashMap<Arc<str>, i32>,
    names: Vec<Arc<str>>,
    parts: Vec<Int32Array>,
    rows: usize,
    name_bytes: usize,
}

impl Names {
    pub(super) fn push(&mut self, texts: &StringArray) {
        let mut last: Option<(&str, i32)> = None;
        let place = |text: &str, names: &mut Self| names.place(text);
        let places = texts.iter().map(|text| {
            let text = text?;
            // Neighbours are often equal.
            let place = match last {
                Some((same, place)) if same == text => place,
                _ => place(text, self),
            };
            last = Some((text, place));
            Some(place)
        });
        let places: Int32Array = places.collect();
        self.rows += places.len();
        self.parts.push(places);
    }

    fn place(&mut self, text: &str) -> i32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = i32::try_from(self.names.len()).unwrap_or(i32::MAX);
        let name: Arc<str> = text.into();
        self.places.insert(name.clone(), place);
        self.names.push(name);
        self.name_bytes += text.len() + PLACE_BYTES;
        place
    }

    /// Whether writing each text once is worth it: not where most rows have one of their own.
    pub(super) fn pay(&self) -> bool {
        self.names.len() <= FEW || self.names.len() * 2 <= self.rows
    }

    pub(super) fn bytes(&self) -> usize {
        self.name_bytes + self.rows * PLACE_BYTES
    }

    pub(super) fn cut_last(&mut self, rows: usize) {
        if let Some(last) = self.parts.last_mut() {
            self.rows -= last.len() - rows;
            *last = last.slice(0, rows);
        }
    }

    /// The texts written out, part by part.
    pub(super) fn written_out(self) -> Vec<StringArray> {
        let text = |place: i32| usize::try_from(place).ok().and_then(|place| self.names.get(place));
        let part = |places: &Int32Array| places.iter().map(|place| place.and_then(text)).collect();
        self.parts.iter().map(part).collect()
    }

    /// Each part with the same dictionary, which a stream then carries once.
    pub(super) fn finish(self) -> Result<Vec<ArrayRef>, ArrowError> {
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(&self.names));
        let part = |places| Ok(Arc::new(DictionaryArray::try_new(places, names.clone())?) as ArrayRef);
        self.parts.into_iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Names {
        let mut names = Names::default();
        names.push(&texts.iter().map(|text| Some(*text)).collect());
        names
    }

    #[test]
    fn texts_that_repeat_are_written_once_and_null_stays_null() {
        let mut names = names(&["a", "b", "a"]);
        names.push(&StringArray::from(vec![None, Some("b")]));
        assert_eq!(names.names.len(), 2);
        let written = names.written_out();
        assert_eq!(written[0], StringArray::from(vec!["a", "b", "a"]));
        assert_eq!(written[1], StringArray::from(vec![None, Some("b")]));
    }

    #[test]
    fn texts_of_which_each_row_has_its_own_are_not_worth_it() {
        let texts: Vec<String> = (0..=FEW).map(|id| id.to_string()).collect();
        assert!(!names(&texts.iter().map(String::as_str).collect::<Vec<_>>()).pay());
        assert!(names(&texts[..FEW].iter().map(String::as_str).collect::<Vec<_>>()).pay());
    }

    #[test]
    fn what_is_cut_does_not_count() {
        let mut cut = names(&["a", "b", "a"]);
        cut.cut_last(1);
        assert_eq!(cut.rows, 1);
        assert_eq!(cut.written_out()[0], StringArray::from(vec!["a"]));
    }
}
