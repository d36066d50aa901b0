use std::collections::HashMap;
use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, StringBuilder};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::{HOLE, form_column, member_column};
use crate::index::Mention;

/// Bytes of the values of one batch, at most: what a damaged or hostile segment may make of little.
const MAX_BYTES: usize = 1 << 30;

/// The columns in which the members of a value lie, in one segment.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MemberColumns {
    value: String,
    keys: Vec<String>,
}

impl MemberColumns {
    /// Those of this value (`args`, `returned`) in a segment with these columns; `None` where it always lies whole.
    pub fn of(value: &str, segment: &Schema) -> Option<Self> {
        segment.index_of(&form_column(value)).ok()?;
        let prefix = member_column(value, "");
        let keys = segment.fields().iter().filter_map(|field| field.name().strip_prefix(&prefix)).map(str::to_owned);
        Some(Self { value: value.to_owned(), keys: keys.collect() })
    }

    /// The names of the columns from which the value is put together: its own, of its forms, of its members.
    pub fn names(&self) -> Vec<String> {
        let members = self.keys.iter().map(|key| member_column(&self.value, key));
        [self.value.clone(), form_column(&self.value)].into_iter().chain(members).collect()
    }

    /// The names of the columns in which a member is found: the value's own, of its forms, of this member; `None` where the
    /// member has no column.
    pub fn names_of_member(&self, key: &str) -> Option<[String; 3]> {
        let known = self.keys.iter().any(|known| known == key);
        known.then(|| [self.value.clone(), form_column(&self.value), member_column(&self.value, key)])
    }

    /// The values as they were, of columns with the names of [`Self::names`].
    ///
    /// # Errors
    /// Where the columns do not fit together: the segment is damaged.
    pub fn whole(&self, columns: &[ArrayRef]) -> Result<StringArray, ArrowError> {
        let columns = columns.iter().map(texts).collect::<Result<Vec<_>, _>>()?;
        let [whole, forms, members @ ..] = columns.as_slice() else { return Err(damaged("a column is missing")) };
        let mut known = HashMap::new();
        let mut values = StringBuilder::with_capacity(whole.len(), 0);
        let mut last: Option<(&str, usize)> = None;
        let mut read: Vec<Form<'_>> = Vec::new();
        for row in 0..whole.len() {
            if forms.is_null(row) {
                values.append_option(whole.is_valid(row).then(|| whole.value(row)));
                continue;
            }
            let text = forms.value(row);
            let place = match last {
                Some((last, place)) if last == text => place,
                _ => *known.entry(text).or_insert_with(|| {
                    read.push(Form::read(text, &self.keys));
                    read.len() - 1
                }),
            };
            last = Some((text, place));
            read[place].fill(members, row, &mut values)?;
        }
        Ok(values.finish())
    }

    /// Which of the values mention a text that [stays in members](Mention::stays_in_members), of columns with the names of
    /// [`Self::names`]: they are not put together.
    ///
    /// # Errors
    /// Where these are no columns of text.
    pub fn mentioning(&self, mention: &Mention<'_>, columns: &[ArrayRef]) -> Result<BooleanArray, ArrowError> {
        let [whole, forms, ..] = columns else { return Err(damaged("a column is missing")) };
        let valid = |column: &ArrayRef| BooleanBuffer::collect_bool(column.len(), |row| column.is_valid(row));
        let known = &valid(whole) | &valid(forms);
        let mut found = BooleanBuffer::new_unset(whole.len());
        for column in columns {
            found = &found | &mention.found_in(&texts(column)?);
        }
        Ok(BooleanArray::new(found, Some(NullBuffer::new(known)).filter(|nulls| nulls.null_count() > 0)))
    }

    /// [`Self::whole`] of a batch that has these columns.
    pub(crate) fn whole_of(&self, batch: &RecordBatch) -> Result<StringArray, ArrowError> {
        let column = |name: String| batch.column_by_name(&name).cloned().ok_or_else(|| damaged("a column is missing"));
        self.whole(&self.names().into_iter().map(column).collect::<Result<Vec<_>, _>>()?)
    }
}

/// A form, taken apart where its holes are.
struct Form<'f> {
    /// What stands before each hole, and the place of the column that fills it.
    holes: Vec<(&'f str, Option<usize>)>,
    /// What stands behind the last.
    end: &'f str,
}

impl<'f> Form<'f> {
    fn read(text: &'f str, keys: &[String]) -> Self {
        let mut pieces = text.split(char::from(HOLE));
        let end = pieces.next_back().unwrap_or_default();
        let place = |piece: &str| {
            let before = piece.strip_suffix('"').filter(|rest| rest.ends_with(':')).unwrap_or(piece);
            let key = before.strip_suffix("\":")?.rsplit('"').next()?;
            keys.iter().position(|known| known == key)
        };
        Self { holes: pieces.map(|piece| (piece, place(piece))).collect(), end }
    }

    /// Appends the value of a row.
    fn fill(&self, members: &[StringArray], row: usize, values: &mut StringBuilder) -> Result<(), ArrowError> {
        for (before, place) in &self.holes {
            let member = place.and_then(|place| members.get(place)).filter(|member| member.is_valid(row));
            let member = member.ok_or_else(|| damaged("a member of a value is missing"))?.value(row);
            if values.values_slice().len() + before.len() + member.len() + self.end.len() > MAX_BYTES {
                return Err(damaged("its values are too long"));
            }
            values.write_str(before).and_then(|()| values.write_str(member)).map_err(damaged)?;
        }
        values.append_value(self.end);
        Ok(())
    }
}

/// The values with this member only, of columns with the names of [`MemberColumns::names_of_member`]: what asks for nothing else
/// finds the same in them. A value without it is an empty object; one that lies whole stays whole.
///
/// # Errors
/// Where these are no columns of text.
pub fn only(key: &str, columns: &[ArrayRef; 3]) -> Result<StringArray, ArrowError> {
    let [whole, forms, members] = [texts(&columns[0])?, texts(&columns[1])?, texts(&columns[2])?];
    let before = format!("{{\"{key}\":");
    let text_hole = format!("\"{key}\":\"{}", char::from(HOLE));
    let mut last: Option<(&str, bool)> = None;
    let mut values = StringBuilder::with_capacity(whole.len(), members.value_data().len() + whole.len() * before.len());
    for row in 0..whole.len() {
        if forms.is_null(row) {
            values.append_option(whole.is_valid(row).then(|| whole.value(row)));
            continue;
        }
        let form = forms.value(row);
        let is_text = match last {
            Some((last, is_text)) if last == form => is_text,
            _ => form.contains(&text_hole),
        };
        last = Some((form, is_text));
        match (members.is_valid(row), is_text) {
            (false, _) => values.append_value("{}"),
            (true, true) => append(&mut values, [&before, "\"", members.value(row), "\"}"])?,
            (true, false) => append(&mut values, [&before, members.value(row), "}"])?,
        }
    }
    Ok(values.finish())
}

/// Appends one value, of these pieces.
fn append<const N: usize>(values: &mut StringBuilder, pieces: [&str; N]) -> Result<(), ArrowError> {
    let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
    if values.values_slice().len() + bytes > MAX_BYTES {
        return Err(damaged("its values are too long"));
    }
    pieces.iter().try_for_each(|piece| values.write_str(piece)).map_err(damaged)?;
    values.append_value("");
    Ok(())
}

fn texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn damaged(why: impl ToString) -> ArrowError {
    ArrowError::ParquetError(why.to_string())
}
