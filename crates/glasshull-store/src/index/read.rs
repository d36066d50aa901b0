//! Asking the index of a segment.

use std::collections::HashMap;
use std::ops::Range;

use super::{BLOCK_BYTES, CHECKSUM_BYTES, FORMAT, Key};
use crate::footer::unsealed;

/// Where the index of a segment lies, and how it is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Index {
    offset: u64,
    granule_rows: usize,
    granules: usize,
    blocks: usize,
    rows: usize,
}

impl Index {
    /// What a footer's metadata says under [`super::METADATA_KEY`], of a segment with so many rows. `None` where that is
    /// nonsense, or another format. Whether the places it gives lie in the file is for the reader to find out.
    pub fn parse(metadata: &str, rows: usize) -> Option<Self> {
        let mut words = unsealed(metadata, FORMAT)?;
        let mut number = || words.next()?.parse::<u64>().ok();
        let (offset, granule_rows, granules, blocks) = (number()?, number()?, number()?, number()?);
        let bytes =
            granules.checked_mul(BLOCK_BYTES as u64)?.checked_add(CHECKSUM_BYTES as u64)?.checked_mul(blocks)?;
        offset.checked_add(bytes)?;
        let granule_rows = usize::try_from(granule_rows).ok().filter(|&rows| rows > 0)?;
        let (granules, blocks) = (usize::try_from(granules).ok()?, usize::try_from(blocks).ok()?);
        let all = rows.div_ceil(granule_rows) == granules;
        (all && blocks > 0).then_some(Self { offset, granule_rows, granules, blocks, rows })
    }

    /// Which bytes of the file tell of a key.
    pub fn place(&self, key: Key) -> Range<u64> {
        let bytes = (self.granules * BLOCK_BYTES + CHECKSUM_BYTES) as u64;
        let from = self.offset + key.block(self.blocks) as u64 * bytes;
        from..from + bytes
    }

    /// The rows of a granule.
    pub fn rows(&self, granule: usize) -> Range<usize> {
        let from = granule * self.granule_rows;
        from..(from + self.granule_rows).min(self.rows)
    }

    /// All rows of the segment.
    pub fn total_rows(&self) -> usize {
        self.rows
    }

    /// How many granules there are.
    pub fn granules(&self) -> usize {
        self.granules
    }
}

/// What was read of an index.
#[derive(Clone, Debug, Default)]
pub struct Lookup(HashMap<Key, Vec<u8>>);

impl Lookup {
    /// Takes what stands at the [`Index::place`] of a key. Damaged bytes are not taken: they rule nothing out. Whether
    /// they were taken.
    pub fn add(&mut self, key: Key, bytes: &[u8]) -> bool {
        let Some((blocks, checksum)) = bytes.split_last_chunk::<CHECKSUM_BYTES>() else { return false };
        let sound = crc32c::crc32c(blocks) == u32::from_le_bytes(*checksum);
        if sound {
            self.0.insert(key, blocks.to_vec());
        }
        sound
    }

    /// Whether a granule may have a key.
    pub fn may_have(&self, granule: usize, key: Key) -> bool {
        let block =
            self.0.get(&key).and_then(|blocks| blocks.get(granule * BLOCK_BYTES..)?.first_chunk::<BLOCK_BYTES>());
        let Some(block) = block else { return true };
        let words = block.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        words.zip(key.mask()).all(|(word, mask)| word & mask != 0)
    }
}
