//! Making the index of a segment while its rows are written.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int32Type};
use arrow::record_batch::RecordBatch;

use super::{BITS_PER_KEY, BLOCK_BYTES, CHECKSUM_BYTES, FORMAT, GRANULE_ROWS, Key, words_of_json};
use crate::footer::sealed;
use crate::schema::row;

/// Of a granule with more different keys than these everything seems to be in it: values of thousands of words each
/// would make the index larger than themselves. Two megabytes while it is built.
const MAX_KEYS: usize = 256 * 1024;

/// The keys of a granule; `None` where there are too many.
type Keys = Option<Set>;
type Set = HashSet<u64, BuildHasherDefault<Itself>>;

/// Collects the keys of rows, in the order in which these are written.
pub(crate) struct IndexBuilder {
    /// Those that are whole, each key once: a set takes twice the memory.
    granules: Vec<Option<Box<[u64]>>>,
    /// The one that is being filled.
    last: Keys,
    rows: usize,
    seen: Seen,
}

/// Keys that were seen a moment ago: most words of a value are those of the values before it. As many as fit into a
/// processor's nearest cache.
struct Seen(Box<[u64; 2_048]>);

impl Seen {
    /// Whether this one was. (0 is what there is at first.)
    fn has(&mut self, key: u64) -> bool {
        let place = &mut self.0[key as usize % 2_048];
        std::mem::replace(place, key) == key && key != 0
    }
}

impl Default for IndexBuilder {
    fn default() -> Self {
        Self { granules: Vec::new(), last: None, rows: 0, seen: Seen(Box::new([0; 2_048])) }
    }
}

impl IndexBuilder {
    /// Takes rows with the columns of a segment: those of [`schema::rows`](crate::schema::rows), then parts of values.
    pub(crate) fn push(&mut self, rows: &RecordBatch) {
        let mut from = 0;
        while from < rows.num_rows() {
            let inside = self.rows % GRANULE_ROWS;
            if inside == 0 {
                self.end_granule();
            }
            let taken = (GRANULE_ROWS - inside).min(rows.num_rows() - from);
            add(&mut self.last, &mut self.seen, &rows.slice(from, taken));
            self.rows += taken;
            from += taken;
        }
    }

    fn end_granule(&mut self) {
        let whole = self.last.replace(HashSet::default());
        self.seen.0.fill(0);
        if self.rows > 0 {
            self.granules.push(whole.map(|keys| keys.into_iter().collect()));
        }
    }

    /// The index, and what the footer says of it when it lies at this place of the file.
    pub(crate) fn finish(mut self, offset: usize) -> (Vec<u8>, String) {
        self.end_granule();
        let most = self.granules.iter().flatten().map(|keys| keys.len()).max().unwrap_or(0);
        let blocks = (most * BITS_PER_KEY).div_ceil(8 * BLOCK_BYTES).max(1);
        let bytes = laid_out(&self.granules, blocks);
        let metadata = format!("{FORMAT} {offset} {GRANULE_ROWS} {} {blocks}", self.granules.len());
        (bytes, sealed(&metadata))
    }
}

/// Adds the keys of rows.
fn add(keys: &mut Keys, seen: &mut Seen, rows: &RecordBatch) {
    each_name(rows, row::TRACE_ID, keys, |set, id| insert(set, seen, Key::trace(id)));
    each(rows, row::CALL_ID, keys, |set, id| insert(set, seen, Key::call(id)));
    each_name(rows, row::FUNCTION, keys, |set, path| insert(set, seen, Key::function(path)));
    for values in row::VALUES.into_iter().chain(row::COLUMNS..rows.num_columns()) {
        let words = |set: &mut Set, json: &str| words_of_json(json, |word| insert(set, seen, Key::word(word)));
        match rows.column(values).data_type() {
            DataType::Dictionary(..) => each_name(rows, values, keys, words),
            _ => each(rows, values, keys, words),
        }
    }
}

fn insert(set: &mut Set, seen: &mut Seen, key: Key) {
    if !seen.has(key.0) {
        set.insert(key.0);
    }
}

/// Adds the keys of each text of a column that is not the same as the one before.
fn each(rows: &RecordBatch, column: usize, keys: &mut Keys, mut take: impl FnMut(&mut Set, &str)) {
    let texts = rows.column(column).as_string::<i32>();
    let mut before = None;
    for row in (0..texts.len()).filter(|&row| texts.is_valid(row)) {
        let text = texts.value(row);
        if before.replace(text) == Some(text) {
            continue;
        }
        let Some(set) = keys else { return };
        take(set, text);
        if set.len() > MAX_KEYS {
            *keys = None;
        }
    }
}

/// The same for a column of names, each of which is taken once.
fn each_name(rows: &RecordBatch, column: usize, keys: &mut Keys, mut take: impl FnMut(&mut Set, &str)) {
    let column = rows.column(column).as_dictionary::<Int32Type>();
    let names = column.values().as_string::<i32>();
    let mut taken = vec![false; names.len()];
    for key in column.keys().iter().flatten() {
        let Some(set) = keys else { return };
        if !std::mem::replace(&mut taken[key as usize], true) {
            take(set, names.value(key as usize));
        }
    }
    *keys = keys.take().filter(|set| set.len() <= MAX_KEYS);
}

fn laid_out(granules: &[Option<Box<[u64]>>], blocks: usize) -> Vec<u8> {
    let row_bytes = granules.len() * BLOCK_BYTES + CHECKSUM_BYTES;
    let mut bytes = vec![0; blocks * row_bytes];
    for (granule, keys) in granules.iter().enumerate() {
        let at = granule * BLOCK_BYTES;
        match keys {
            Some(keys) => keys.iter().for_each(|&key| set(&mut bytes, row_bytes, at, blocks, Key(key))),
            None => bytes.chunks_exact_mut(row_bytes).for_each(|row| row[at..at + BLOCK_BYTES].fill(0xFF)),
        }
    }
    for row in bytes.chunks_exact_mut(row_bytes) {
        let (blocks, checksum) = row.split_at_mut(row_bytes - CHECKSUM_BYTES);
        checksum.copy_from_slice(&crc32c::crc32c(blocks).to_le_bytes());
    }
    bytes
}

fn set(bytes: &mut [u8], row_bytes: usize, at: usize, blocks: usize, key: Key) {
    let block = &mut bytes[key.block(blocks) * row_bytes + at..][..BLOCK_BYTES];
    for (word, mask) in block.as_chunks_mut::<4>().0.iter_mut().zip(key.mask()) {
        *word = (u32::from_le_bytes(*word) | mask).to_le_bytes();
    }
}

/// For keys, which are hashes already.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(false, "{} bytes are no key", bytes.len());
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Index, Lookup};
    use super::*;
    use crate::schema;
    use arrow::array::{ArrayRef, StringArray, new_null_array};
    use std::sync::Arc;

    /// Rows of which only the args are of interest.
    fn rows(args: &[String]) -> RecordBatch {
        let schema = Arc::new(arrow::datatypes::Schema::new(
            schema::rows().fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
        ));
        let mut columns: Vec<ArrayRef> =
            schema.fields().iter().map(|field| new_null_array(field.data_type(), args.len())).collect();
        columns[row::VALUES[0]] = Arc::new(StringArray::from_iter_values(args));
        RecordBatch::try_new(schema, columns).unwrap()
    }

    fn looked_up(bytes: &[u8], index: &Index, key: Key) -> Vec<usize> {
        let mut lookup = Lookup::default();
        let place = index.place(key);
        assert!(lookup.add(key, &bytes[place.start as usize - 4..place.end as usize - 4]));
        (0..index.granules()).filter(|&granule| lookup.may_have(granule, key)).collect()
    }

    #[test]
    fn each_word_is_found_in_its_granule_and_hardly_in_another() {
        let args: Vec<String> =
            (0..40_000).map(|n| format!(r#"{{"order":"order{n}","user":{}}}"#, 100_000 + n % 50)).collect();
        let mut builder = IndexBuilder::default();
        args.chunks(5_000).for_each(|args| builder.push(&rows(args)));
        let (bytes, metadata) = builder.finish(4);
        let index = Index::parse(&metadata, args.len()).unwrap();
        assert_eq!((index.granules(), index.rows(2)), (3, 32_768..40_000));
        let mut wrong = 0;
        for n in 0..args.len() {
            let found = looked_up(&bytes, &index, Key::word(format!("order{n}").as_bytes()));
            assert!(found.contains(&(n / GRANULE_ROWS)), "{n}");
            wrong += found.len() - 1;
        }
        assert!(wrong < 2 * args.len() / 50, "{wrong} false positives");
        assert_eq!(looked_up(&bytes, &index, Key::word(b"100007")), [0, 1, 2]);
        assert!(bytes.len() / args.len() < 3, "{} bytes a row", bytes.len() as f64 / args.len() as f64);
    }

    #[test]
    fn a_granule_of_too_many_words_has_everything() {
        let args: Vec<String> = (0..1_000)
            .map(|n| (0..300).map(|word| format!("w{}", n * 300 + word)).collect::<Vec<_>>().join(" "))
            .collect();
        let mut builder = IndexBuilder::default();
        builder.push(&rows(&args));
        let (bytes, metadata) = builder.finish(4);
        let index = Index::parse(&metadata, args.len()).unwrap();
        assert_eq!(looked_up(&bytes, &index, Key::word(b"anything")), [0]);
    }

    #[test]
    fn metadata_that_is_damaged_is_none() {
        let (_, metadata) = IndexBuilder::default().finish(7);
        assert!(Index::parse(&metadata, 0).is_some() && Index::parse(&metadata, 1).is_none(), "{metadata}");
        for at in 0..metadata.len() {
            let mut damaged = metadata.clone().into_bytes();
            damaged[at] ^= 1;
            assert!(Index::parse(std::str::from_utf8(&damaged).unwrap(), 0).is_none());
            assert!(Index::parse(&metadata[..at], 0).is_none());
        }
    }

    #[test]
    fn damaged_blocks_rule_nothing_out() {
        let mut lookup = Lookup::default();
        let key = Key::word(b"word");
        assert!(!lookup.add(key, &[0; 36]) && !lookup.add(key, b""));
        assert!(lookup.may_have(0, key));
    }
}
