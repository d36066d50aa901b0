//! Rows of several batches, put into one order.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, FieldRef, Int32Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::schema;

/// The rows at these places (batch, row) of batches with the columns of [`schema::rows`], in this order. Each column of names
/// gets one dictionary, of what these rows hold: Arrow's own way looks at each name of each batch.
///
/// # Errors
/// Where a batch has other columns.
pub(crate) fn gather(batches: &[&RecordBatch], places: &[(usize, usize)]) -> Result<RecordBatch, ArrowError> {
    let schema = schema::rows();
    let column = |(at, field): (usize, &FieldRef)| {
        let columns: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
        match field.data_type() {
            DataType::Dictionary(..) => names(&columns, places),
            _ => interleave(&columns, places),
        }
    };
    let columns = schema.fields().iter().enumerate().map(column).collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema, columns)
}

/// A dictionary that may be read from, and where what has been read so far stands in the new one.
struct Names<'a> {
    keys: &'a [i32],
    values: &'a StringArray,
    /// By key; empty until one is read.
    places: Vec<i32>,
}

/// In [`Names::places`]: not read so far.
const UNREAD: i32 = -1;

fn names(columns: &[&dyn Array], places: &[(usize, usize)]) -> Result<ArrayRef, ArrowError> {
    let mut from = columns.iter().map(|column| Names::of(*column)).collect::<Result<Vec<_>, _>>()?;
    let mut all: HashMap<&str, i32> = HashMap::new();
    let mut texts = Vec::new();
    let keys = places.iter().map(|&(batch, row)| {
        let Names { keys, values, places } = &mut from[batch];
        if places.is_empty() {
            places.resize(values.len(), UNREAD);
        }
        let key = keys[row] as usize;
        if places[key] == UNREAD {
            let text = values.value(key);
            places[key] = *all.entry(text).or_insert_with(|| {
                texts.push(text);
                texts.len() as i32 - 1
            });
        }
        places[key]
    });
    let keys = Int32Array::from_iter_values(keys);
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(StringArray::from(texts)))?))
}

impl<'a> Names<'a> {
    fn of(column: &'a dyn Array) -> Result<Self, ArrowError> {
        let dictionary = column.as_dictionary_opt::<Int32Type>();
        let parts = dictionary.and_then(|of| Some((of.keys(), of.values().as_string_opt::<i32>()?)));
        match parts {
            Some((keys, values)) if keys.null_count() == 0 => {
                Ok(Self { keys: keys.values(), values, places: Vec::new() })
            }
            _ => Err(ArrowError::SchemaError(format!("{} is no column of names", column.data_type()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use glasshull_wire::{BatchWriter, CallRow, Calls};
    use proptest::prelude::*;

    use super::*;
    use crate::rows;
    use crate::tests::rig::{call, source};

    /// Calls of three threads and functions, in the batch's own order of them.
    fn batch(instance: u8, ids: &[u64]) -> RecordBatch {
        let mut writer = BatchWriter::default();
        for &id in ids {
            let described = || glasshull_wire::v1::Function { path: format!("f{}", id % 3), ..Default::default() };
            let function = writer.function((id % 3) as u32, described);
            let thread = writer.thread(id % 3, || format!("t{}", id % 3));
            writer.push(&CallRow { function, thread, trace_id: [(id % 5) as u8; 16], ..call(id) });
        }
        rows::rows(&source(instance), Calls::decode(&writer.finish(1)).unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn rows_come_as_they_would_without_dictionaries(
            ids in prop::collection::vec(prop::collection::vec(1..100u64, 1..20), 1..5),
            places in prop::collection::vec((0..5usize, 0..20usize), 0..50),
        ) {
            let batches: Vec<_> = ids.iter().zip(1..).map(|(ids, instance)| batch(instance, ids)).collect();
            let batches: Vec<_> = batches.iter().collect();
            let inside = |(batch, row): (usize, usize)| (batch % ids.len(), row % ids[batch % ids.len()].len());
            let places: Vec<_> = places.into_iter().map(inside).collect();
            let gathered = rows::table(&gather(&batches, &places).unwrap()).unwrap();
            let plain: Vec<_> = batches.iter().map(|batch| rows::table(batch).unwrap()).collect();
            let plain: Vec<_> = plain.iter().collect();
            prop_assert_eq!(gathered, arrow::compute::interleave_record_batch(&plain, &places).unwrap());
        }
    }

    #[test]
    fn a_dictionary_holds_what_its_rows_say_and_no_more() {
        let (one, other) = (batch(1, &[1, 2, 3]), batch(2, &[4, 5, 6]));
        let gathered = gather(&[&one, &other], &[(1, 0), (0, 0), (1, 0)]).unwrap();
        let functions = gathered.column(schema::row::FUNCTION).as_dictionary::<Int32Type>();
        assert_eq!((functions.values().len(), functions.keys().values().to_vec()), (1, vec![0, 0, 0]));
        let instances = gathered.column_by_name("instance").unwrap().as_dictionary::<Int32Type>();
        assert_eq!(instances.keys().values().to_vec(), [0, 1, 0]);
    }
}
