//! The index inside a segment: which of its rows may hold a word, a trace, a call, a function.
//!
//! A segment's rows are taken in **granules** of [`GRANULE_ROWS`]. Of each granule all [`Key`]s are put into a split-block
//! Bloom filter (the one of Parquet's specification); all filters of a segment have the same number of blocks of 32 bytes.
//! They are laid out block by block: block 0 of every granule, then block 1 of every granule, and so on, each such **row**
//! followed by its CRC32C. A key falls into one block, so one row of it tells of all granules: a value is looked for in a
//! whole segment by reading some hundred bytes for each of its words.
//!
//! The rows lie in the Parquet file between the last row group and the footer, whose metadata under [`METADATA_KEY`] says
//! where; other readers of Parquet do not see them. What is missing, damaged or of a later format rules nothing out: the
//! answer takes longer and is the same.

mod mention;
mod read;
mod tokens;
mod write;

pub use mention::Mention;
pub use read::{Index, Lookup};
pub use tokens::{MIN_WORD_BYTES, mentions, words_inside, words_of_json, words_of_text};
pub(crate) use write::IndexBuilder;

use twox_hash::XxHash64;

/// Under this key of the footer's metadata stands where the index is.
pub const METADATA_KEY: &str = "glasshull.index";

/// Rows that are found or ruled out together. Fewer make a rare value cheaper to read, and the index larger: it holds
/// each word once for each granule in which it stands.
pub const GRANULE_ROWS: usize = 16_384;

/// The layout described above. The first word of the metadata; what has another is not read. Its last word is the CRC32C of
/// what stands before it.
const FORMAT: &str = "1";

const BLOCK_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;

/// So many bits a key: about one key in two hundred seems to be in a granule that it is not in.
const BITS_PER_KEY: usize = 12;

/// Of a call's id so many of its 16 digits: ids of one thread differ in the last ones, and share what is before.
const CALL_ID_DIGITS: usize = 13;

/// What can be looked for, as its hash. It is stored: XXH64 with a seed for each kind stays what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key(pub(crate) u64);

impl Key {
    /// A word of arguments, a returned value or an error, see [`words_of_json`].
    pub fn word(word: &[u8]) -> Self {
        Self(XxHash64::oneshot(0, word))
    }

    /// A trace's id, in full.
    pub fn trace(id: &str) -> Self {
        Self(XxHash64::oneshot(1, id.as_bytes()))
    }

    /// A call's id, in full.
    pub fn call(id: &str) -> Self {
        let digits = id.as_bytes();
        Self(XxHash64::oneshot(2, digits.get(..CALL_ID_DIGITS).unwrap_or(digits)))
    }

    /// A function's path.
    pub fn function(path: &str) -> Self {
        Self(XxHash64::oneshot(3, path.as_bytes()))
    }

    /// The block it falls into.
    fn block(self, blocks: usize) -> usize {
        (((self.0 >> 32) * blocks as u64) >> 32) as usize
    }

    /// The bit it sets in each of a block's eight words.
    fn mask(self) -> [u32; 8] {
        /// From Parquet's specification of its Bloom filter.
        const SALT: [u32; 8] =
            [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];
        SALT.map(|salt| 1 << ((self.0 as u32).wrapping_mul(salt) >> 27))
    }
}
