use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Builder, StringArray, StringBuilder};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::members::{Part, members, text_length, value_end};
use super::{HOLE, Layout, TAKEN_APART};
use crate::schema::row;

/// Forms of a value in a segment, at most: beyond it values are hardly alike, and lie whole.
const MAX_FORMS: usize = 256;

/// Makes the columns of a segment of those of rows, batch after batch.
pub(crate) struct Columns {
    layout: Layout,
    values: [Apart; TAKEN_APART.len()],
}

impl Columns {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { values: TAKEN_APART.map(|value| Apart::new(value, &layout)), layout }
    }

    /// The columns with the names and in the order of [`Layout::schema`].
    pub(crate) fn of(&mut self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let functions = rows.column(row::FUNCTION).as_dictionary::<Int32Type>().keys().values();
        let mut columns = rows.columns().to_vec();
        for (name, apart) in TAKEN_APART.iter().zip(&mut self.values) {
            let at = rows.schema_ref().index_of(name)?;
            let mut taken = apart.take(rows.column(at).as_string::<i32>(), functions).into_iter();
            columns[at] = taken.next().unwrap_or_else(|| rows.column(at).clone());
            columns.extend(taken);
        }
        RecordBatch::try_new(self.layout.schema(), columns)
    }
}

/// Takes the values of one column apart, batch after batch.
pub(super) struct Apart {
    keys: Vec<String>,
    forms: Vec<Form>,
    /// By members: the place of each one's column, and whether it is a text.
    places: HashMap<Vec<(usize, bool)>, i32>,
}

/// A form, as values are compared with it.
struct Form {
    /// What stands before each value, the place of its column, whether it is a text.
    holes: Vec<(String, usize, bool)>,
    /// What stands behind the last.
    end: &'static str,
}

/// The members of a value: the place of each one's column, and what lies there.
type Found<'a> = Vec<(usize, &'a str)>;

impl Apart {
    pub(super) fn new(value: &str, layout: &Layout) -> Self {
        let keys = layout.members(value).iter().map(|member| member.key.clone()).collect();
        Self { keys, forms: Vec::new(), places: HashMap::new() }
    }

    /// The columns of these values: their own, of forms, of members. What is said to be alike, by the same number, is tried
    /// first as what was the same before.
    pub(super) fn take(&mut self, values: &StringArray, alike: &[i32]) -> Vec<ArrayRef> {
        if self.keys.is_empty() {
            return vec![Arc::new(values.clone())];
        }
        let mut whole = StringBuilder::new();
        let mut forms = Int32Builder::with_capacity(values.len());
        let mut members: Vec<StringBuilder> = self.keys.iter().map(|_| StringBuilder::new()).collect();
        let mut filled = vec![0; members.len()];
        let mut before: Vec<Option<i32>> = Vec::new();
        let mut found = Found::new();
        for (row, (value, &alike)) in values.iter().zip(alike).enumerate() {
            let alike = alike as usize;
            before.resize(before.len().max(alike + 1), None);
            let form = value.and_then(|value| self.form(value, before[alike], &mut found));
            before[alike] = form.or(before[alike]);
            forms.append_option(form);
            whole.append_option(value.filter(|_| form.is_none()));
            for (place, value) in found.drain(..).filter(|_| form.is_some()) {
                members[place].append_nulls(row - filled[place]);
                members[place].append_value(value);
                filled[place] = row + 1;
            }
        }
        let texts = StringArray::from_iter_values(self.forms.iter().map(Form::text));
        let forms = DictionaryArray::new(forms.finish(), Arc::new(texts));
        let members = members.into_iter().zip(filled).map(|(mut column, filled)| -> ArrayRef {
            column.append_nulls(values.len() - filled);
            Arc::new(column.finish())
        });
        [Arc::new(whole.finish()) as ArrayRef, Arc::new(forms)].into_iter().chain(members).collect()
    }

    /// The place of the value's form, with its members; `None` where it is to lie whole.
    fn form<'a>(&mut self, json: &'a str, likely: Option<i32>, found: &mut Found<'a>) -> Option<i32> {
        // A hole in the text would be taken for one of ours.
        if memchr::memchr(HOLE, json.as_bytes()).is_some() {
            return None;
        }
        let known = likely.and_then(|place| self.forms.get(place as usize));
        if known.is_some_and(|form| form.fits(json, found)) {
            return likely;
        }
        found.clear();
        self.form_by_members(json, found)
    }

    /// The same for a value of which nothing is known.
    fn form_by_members<'a>(&mut self, json: &'a str, found: &mut Found<'a>) -> Option<i32> {
        let (keys, mut parts) = (&self.keys, Vec::new());
        let whole = members(json, |Part { key, value, is_text }| {
            let Some(place) = keys.iter().position(|known| known == key) else { return false };
            let twice = parts.iter().any(|(other, _)| *other == place);
            parts.push((place, is_text));
            found.push((place, value));
            !twice
        });
        if !whole {
            return None;
        }
        if let Some(&place) = self.places.get(&parts) {
            return Some(place);
        }
        let place = self.forms.len();
        if place == MAX_FORMS {
            return None;
        }
        self.forms.push(Form::new(&parts, &self.keys));
        self.places.insert(parts, place as i32);
        Some(place as i32)
    }
}

impl Form {
    fn new(parts: &[(usize, bool)], keys: &[String]) -> Self {
        let mut behind = "{";
        let holes = parts.iter().map(|&(place, is_text)| {
            let before = format!("{behind}\"{}\":{}", keys[place], if is_text { "\"" } else { "" });
            behind = if is_text { "\"," } else { "," };
            (before, place, is_text)
        });
        let holes: Vec<_> = holes.collect();
        let end = if holes.last().is_some_and(|(.., is_text)| *is_text) { "\"}" } else { "}" };
        Self { holes, end }
    }

    /// As it is stored.
    fn text(&self) -> String {
        let hole = char::from(HOLE);
        let holes = self.holes.iter().map(|(before, ..)| format!("{before}{hole}"));
        holes.chain([self.end.to_owned()]).collect()
    }

    /// Whether a value has this form, and its members; if it has not, there may be some of them.
    fn fits<'a>(&self, json: &'a str, found: &mut Found<'a>) -> bool {
        let mut rest = json;
        for (before, place, is_text) in &self.holes {
            let Some(behind) = rest.strip_prefix(before.as_str()) else { return false };
            let Some(length) = length(behind.as_bytes(), *is_text) else { return false };
            let (value, more) = behind.split_at(length);
            found.push((*place, value));
            rest = more;
        }
        rest == self.end
    }
}

/// How long the value is that begins here; a text's first quote is before it, its last behind it.
fn length(bytes: &[u8], is_text: bool) -> Option<usize> {
    match is_text {
        true => text_length(bytes),
        false if bytes.first() == Some(&b'"') => None,
        false => value_end(bytes, 0),
    }
}
