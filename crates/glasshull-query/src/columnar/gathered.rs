//! One column of an answer, made ready for any reader of Arrow: plain types only.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use glasshull_api::answers::ColumnKind;
use serde_json::Value;

use super::names::Names;
use crate::answer::{is_union, kind, size, value};

/// A column as it comes in.
pub(super) struct Gathered {
    name: String,
    kind: ColumnKind,
    parts: Parts,
}

enum Parts {
    /// As DataFusion made them.
    Plain { parts: Vec<ArrayRef>, of: DataType, bytes: usize },
    /// Texts, as long as writing each once is worth it.
    Names(Names),
    /// What no plain type holds, as JSON. `settles` where values say themselves what they are.
    Values { parts: Vec<Vec<Value>>, settles: bool, bytes: usize },
}

/// A finished column.
pub(super) struct Finished {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
    pub(super) of: DataType,
    pub(super) parts: Vec<ArrayRef>,
}

impl Gathered {
    pub(super) fn new(name: &str, of: &DataType) -> Self {
        let parts = match plain(of) {
            Some(DataType::Utf8) => Parts::Names(Names::default()),
            Some(of) => Parts::Plain { parts: Vec::new(), of, bytes: 0 },
            None => Parts::Values { parts: Vec::new(), settles: is_union(of), bytes: 0 },
        };
        Self { name: name.to_owned(), kind: kind(name, of), parts }
    }

    pub(super) fn push(&mut self, array: &ArrayRef) -> Result<(), ArrowError> {
        match &mut self.parts {
            Parts::Plain { parts, of, bytes } => {
                let part = cast(array, of)?;
                *bytes += array_bytes(&part);
                parts.push(part);
            }
            Parts::Names(names) => {
                names.push(cast(array, &DataType::Utf8)?.as_string());
                if !names.pay() {
                    self.parts = written_out(std::mem::take(names));
                }
            }
            Parts::Values { parts, bytes, .. } => {
                let part: Vec<Value> = (0..array.len()).map(|row| value(array, row)).collect();
                *bytes += part.iter().map(size).sum::<usize>();
                parts.push(part);
            }
        }
        Ok(())
    }

    /// What it takes, about.
    pub(super) fn bytes(&self) -> usize {
        match &self.parts {
            Parts::Plain { bytes, .. } | Parts::Values { bytes, .. } => *bytes,
            Parts::Names(names) => names.bytes(),
        }
    }

    /// Keeps so many rows of the last part.
    pub(super) fn cut_last(&mut self, rows: usize) {
        match &mut self.parts {
            Parts::Plain { parts, .. } => {
                if let Some(last) = parts.last_mut() {
                    *last = last.slice(0, rows);
                }
            }
            Parts::Names(names) => names.cut_last(rows),
            Parts::Values { parts, .. } => {
                if let Some(last) = parts.last_mut() {
                    last.truncate(rows);
                }
            }
        }
    }

    pub(super) fn finish(self) -> Result<Finished, ArrowError> {
        let Self { name, kind, parts } = self;
        match parts {
            Parts::Plain { parts, of, .. } => Ok(Finished { name, kind, of, parts }),
            Parts::Names(names) => {
                let of = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                Ok(Finished { name, kind, of, parts: names.finish()? })
            }
            Parts::Values { parts, settles, .. } => {
                let (kind, of, parts) = if settles { settled(&parts) } else { (kind, DataType::Utf8, texts(&parts)) };
                Ok(Finished { name, kind, of, parts })
            }
        }
    }
}

fn written_out(names: Names) -> Parts {
    let parts: Vec<ArrayRef> = names.written_out().into_iter().map(|part| Arc::new(part) as ArrayRef).collect();
    let bytes = parts.iter().map(array_bytes).sum();
    Parts::Plain { parts, of: DataType::Utf8, bytes }
}

fn array_bytes(array: &ArrayRef) -> usize {
    array.to_data().get_slice_memory_size().unwrap_or_default()
}

/// The type a column goes out as, where it is one that every reader knows.
fn plain(of: &DataType) -> Option<DataType> {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(DataType::Utf8),
        DataType::Dictionary(_, values) => plain(values),
        DataType::Boolean | DataType::Float32 | DataType::Float64 | DataType::Timestamp(..) => Some(of.clone()),
        of if of.is_integer() => Some(of.clone()),
        _ => None,
    }
}

/// JSON values as a column of the type they all have; where they have several, as JSON text.
fn settled(parts: &[Vec<Value>]) -> (ColumnKind, DataType, Vec<ArrayRef>) {
    let all = |is: fn(&Value) -> bool| parts.iter().flatten().all(|value| value.is_null() || is(value));
    if all(Value::is_number) {
        let numbers = |part: &Vec<Value>| part.iter().map(Value::as_f64).collect::<Float64Array>();
        return (ColumnKind::Number, DataType::Float64, arrays(parts, numbers));
    }
    if all(Value::is_boolean) {
        let truths = |part: &Vec<Value>| part.iter().map(Value::as_bool).collect::<BooleanArray>();
        return (ColumnKind::Boolean, DataType::Boolean, arrays(parts, truths));
    }
    if all(Value::is_string) {
        return (ColumnKind::Text, DataType::Utf8, texts(parts));
    }
    let json = |part: &Vec<Value>| part.iter().map(|value| (!value.is_null()).then(|| value.to_string())).collect();
    (ColumnKind::Json, DataType::Utf8, arrays::<StringArray>(parts, json))
}

/// Values as texts: a text as it is, anything else as JSON writes it.
fn texts(parts: &[Vec<Value>]) -> Vec<ArrayRef> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    arrays(parts, |part| part.iter().map(text).collect::<StringArray>())
}

fn arrays<A: Array + 'static>(parts: &[Vec<Value>], array: impl Fn(&Vec<Value>) -> A) -> Vec<ArrayRef> {
    parts.iter().map(|part| Arc::new(array(part)) as ArrayRef).collect()
}
