use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayBuilder, ArrayRef, AsArray, DictionaryArray, Int32Builder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::members::{Part, members};
use super::{HOLE, Layout, TAKEN_APART};

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
        let mut columns = rows.columns().to_vec();
        for (name, apart) in TAKEN_APART.iter().zip(&mut self.values) {
            let at = rows.schema_ref().index_of(name)?;
            let mut taken = apart.take(rows.column(at).as_string::<i32>()).into_iter().map(|(_, column)| column);
            columns[at] = taken.next().unwrap_or_else(|| rows.column(at).clone());
            columns.extend(taken);
        }
        RecordBatch::try_new(self.layout.schema(), columns)
    }
}

/// Takes the values of one column apart, batch after batch.
pub(super) struct Apart {
    fields: Vec<Field>,
    keys: Vec<String>,
    forms: Forms,
}

/// The forms there are so far.
#[derive(Default)]
struct Forms {
    /// By the members: the place of each and whether it is a text.
    places: HashMap<Vec<u8>, i32>,
    texts: Vec<String>,
    last: Option<(Vec<u8>, i32)>,
}

/// A value's members: for each the place of its column, and its text.
type Found<'a> = Vec<(usize, Part<'a>)>;

impl Apart {
    pub(super) fn new(value: &str, layout: &Layout) -> Self {
        let own = Field::new(value, DataType::Utf8, true);
        let keys = layout.members(value).iter().map(|member| member.key.clone()).collect();
        Self { fields: [vec![own], layout.fields(value)].concat(), keys, forms: Forms::default() }
    }

    /// The columns of these values: their own, of forms, of members.
    pub(super) fn take(&mut self, values: &StringArray) -> Vec<(Field, ArrayRef)> {
        if self.keys.is_empty() {
            return vec![(self.fields[0].clone(), Arc::new(values.clone()))];
        }
        let mut whole = StringBuilder::new();
        let mut forms = Int32Builder::with_capacity(values.len());
        let mut members: Vec<StringBuilder> = self.keys.iter().map(|_| StringBuilder::new()).collect();
        let mut found = Found::new();
        for (row, value) in values.iter().enumerate() {
            let form = value.and_then(|value| self.form(value, &mut found));
            forms.append_option(form);
            whole.append_option(value.filter(|_| form.is_none()));
            for (place, part) in found.drain(..).take_while(|_| form.is_some()) {
                let column = &mut members[place];
                column.append_nulls(row - column.len());
                column.append_value(part.value);
            }
            found.clear();
        }
        let forms = DictionaryArray::new(forms.finish(), Arc::new(StringArray::from_iter_values(&self.forms.texts)));
        let members = members.into_iter().map(|mut column| -> ArrayRef {
            column.append_nulls(values.len() - column.len());
            Arc::new(column.finish())
        });
        let columns = [Arc::new(whole.finish()) as ArrayRef, Arc::new(forms)].into_iter().chain(members);
        self.fields.iter().cloned().zip(columns).collect()
    }

    /// The place of the value's form, with its members; `None` where it is to lie whole.
    fn form<'a>(&mut self, json: &'a str, found: &mut Found<'a>) -> Option<i32> {
        let keys = &self.keys;
        let mut expected = 0;
        let whole = members(json, |part| {
            // As a rule members come in the same order.
            let from_expected = (expected..keys.len()).chain(0..expected);
            let Some(place) = from_expected.into_iter().find(|&place| keys[place] == part.key) else { return false };
            expected = place + 1;
            let twice = found.iter().any(|(other, _)| *other == place);
            found.push((place, part));
            !twice
        });
        // A hole in the text would be taken for one of ours.
        if !whole || memchr::memchr(HOLE, json.as_bytes()).is_some() { None } else { self.forms.place(found) }
    }
}

impl Forms {
    fn place(&mut self, found: &Found<'_>) -> Option<i32> {
        let outline = found.iter().map(|(place, part)| (*place as u8) << 1 | u8::from(part.is_text));
        if let Some((last, place)) = &self.last
            && outline.clone().eq(last.iter().copied())
        {
            return Some(*place);
        }
        let outline: Vec<u8> = outline.collect();
        let place = match self.places.get(&outline) {
            Some(&place) => place,
            None if self.texts.len() < MAX_FORMS => {
                let place = self.texts.len() as i32;
                self.texts.push(text(found));
                self.places.insert(outline.clone(), place);
                place
            }
            None => return None,
        };
        self.last = Some((outline, place));
        Some(place)
    }
}

/// A form as it is stored.
fn text(found: &Found<'_>) -> String {
    let hole = char::from(HOLE);
    let members =
        found.iter().map(
            |(_, Part { key, is_text, .. })| {
                if *is_text { format!("\"{key}\":\"{hole}\"") } else { format!("\"{key}\":{hole}") }
            },
        );
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}
