//! How a journal file is laid out. All numbers are little-endian.
//!
//! ```text
//! file    = header frame*
//! header  = "GLASSHJ1"  number: u64  previous: u64  crc32c of these: u32  relaxed: u32
//! frame   = "GHR1"  length of payload: u32  crc32c: u32  payload
//! ```
//!
//! `relaxed` is 1 where frames were acknowledged before they were synced, else 0: then, unless a later file says how much
//! of it is sound, nothing behind the first damage is read, as what a power cut takes is to be the end and no more.
//! `previous` is how many bytes of the file before were acknowledged: up to there everything must be sound, what
//! stands behind was never promised to anybody. A frame's checksum covers the file's number and the frame's place in
//! it, so that nothing old, misplaced or planted inside a payload passes for a frame. The mark lets a reader find the
//! next frame behind damage.

/// The first bytes of a file.
const FILE_MARK: &[u8; 8] = b"GLASSHJ1";

/// The first bytes of a frame.
const FRAME_MARK: &[u8; 4] = b"GHR1";

/// Bytes of a file's header.
pub(crate) const HEADER_BYTES: usize = 32;

/// Bytes of a frame before its payload.
pub(crate) const FRAME_HEAD_BYTES: usize = 12;

/// Bytes of a payload: a wire message with the instance's labels beside it, and room to grow.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 2 * glasshull_wire::limits::MAX_MESSAGE_BYTES;

/// A file's header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    /// Acknowledged bytes of the file before; 0 where there is none.
    pub(crate) previous: u64,
    /// Frames were acknowledged before they were synced.
    pub(crate) is_relaxed: bool,
}

impl Header {
    pub(crate) fn encode(self, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(FILE_MARK);
        into.extend_from_slice(&self.number.to_le_bytes());
        into.extend_from_slice(&self.previous.to_le_bytes());
        let crc = crc32c::crc32c(&into[start..]);
        into.extend_from_slice(&crc.to_le_bytes());
        into.extend_from_slice(&u32::from(self.is_relaxed).to_le_bytes());
    }

    /// The header of a file, where it is sound.
    pub(crate) fn decode(file: &[u8]) -> Option<Self> {
        let (header, _) = file.split_first_chunk::<HEADER_BYTES>()?;
        let number = |at: usize| header[at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let crc = u32::from_le_bytes(*header[24..].first_chunk()?);
        let sound = header.starts_with(FILE_MARK) && crc32c::crc32c(&header[..24]) == crc;
        let is_relaxed = header[28] == 1;
        if sound { Some(Self { number: number(8)?, previous: number(16)?, is_relaxed }) } else { None }
    }
}

/// Appends a frame that will stand at `at` bytes in file `number`.
pub(crate) fn encode_frame(number: u64, at: u64, payload: &[u8], into: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(FRAME_MARK);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&frame_crc(number, at, payload).to_le_bytes());
    into.extend_from_slice(payload);
}

fn frame_crc(number: u64, at: u64, payload: &[u8]) -> u32 {
    let length = payload.len() as u64;
    let place = [number, at, length].map(u64::to_le_bytes);
    crc32c::crc32c_append(crc32c::crc32c(place.as_flattened()), payload)
}

/// What a reader meets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Found<'f> {
    /// A sound frame's payload.
    Payload(&'f [u8]),
    /// Bytes that are no frame though they were acknowledged, or though sound frames follow them.
    Damaged(std::ops::Range<u64>),
    /// Bytes at the end that are no frame: a write that a crash cut.
    Torn(std::ops::Range<u64>),
}

/// Reads a file from its start to its end.
#[derive(Debug)]
pub(crate) struct Reader<'f> {
    file: &'f [u8],
    number: u64,
    /// How many bytes were acknowledged; `None` where nobody could say.
    acknowledged: Option<u64>,
    /// Nothing behind the first damage is read.
    ends_at_damage: bool,
    at: usize,
    sound: usize,
}

impl<'f> Reader<'f> {
    /// A reader of file `number`; behind `acknowledged` bytes nothing is read.
    pub(crate) fn new(file: &'f [u8], number: u64, acknowledged: Option<u64>) -> Self {
        let end = acknowledged.map_or(file.len(), |bytes| file.len().min(usize::try_from(bytes).unwrap_or(usize::MAX)));
        let header = Header::decode(file).filter(|header| header.number == number);
        let ends_at_damage = acknowledged.is_none() && header.is_some_and(|header| header.is_relaxed);
        let at = if header.is_some() { HEADER_BYTES.min(end) } else { 0 };
        Self { file: &file[..end], number, acknowledged, ends_at_damage, at, sound: at }
    }

    /// Where the last sound frame ended, in bytes: what stands behind it was not acknowledged, or is lost.
    pub(crate) fn sound_bytes(&self) -> u64 {
        self.sound as u64
    }

    fn frame(&self, at: usize) -> Option<&'f [u8]> {
        let (head, rest) = self.file.get(at..)?.split_first_chunk::<FRAME_HEAD_BYTES>()?;
        if !head.starts_with(FRAME_MARK) {
            return None;
        }
        let length = u32::from_le_bytes(*head[4..].first_chunk()?) as usize;
        let crc = u32::from_le_bytes(*head[8..].first_chunk()?);
        let payload = rest.get(..length).filter(|_| length <= MAX_PAYLOAD_BYTES)?;
        (frame_crc(self.number, at as u64, payload) == crc).then_some(payload)
    }

    /// The place of the first sound frame behind `at`.
    fn next_frame(&self, at: usize) -> Option<usize> {
        let marks = self.file.get(at + 1..)?.windows(FRAME_MARK.len()).enumerate();
        let mut marks = marks.filter(|(_, window)| window == FRAME_MARK).map(|(i, _)| at + 1 + i);
        marks.find(|&mark| self.frame(mark).is_some())
    }

    /// What stands at `self.at` where it is no frame; reading goes on behind it.
    fn unsound(&mut self) -> Option<Found<'f>> {
        let from = self.at as u64;
        let next = if self.ends_at_damage { None } else { self.next_frame(self.at) };
        let (to, damaged) = match next {
            Some(frame) => (frame as u64, true),
            None => (self.file.len() as u64, self.acknowledged.is_some()),
        };
        self.at = to as usize;
        // A file that is shorter than what was acknowledged is damaged at its end.
        let to = if to == self.file.len() as u64 { to.max(self.acknowledged.unwrap_or(0)) } else { to };
        if from == to {
            return None;
        }
        if to > self.file.len() as u64 {
            self.acknowledged = Some(self.file.len() as u64);
        }
        Some(if damaged { Found::Damaged(from..to) } else { Found::Torn(from..to) })
    }
}

impl<'f> Iterator for Reader<'f> {
    type Item = Found<'f>;

    fn next(&mut self) -> Option<Found<'f>> {
        match self.frame(self.at) {
            Some(payload) => {
                self.at += FRAME_HEAD_BYTES + payload.len();
                self.sound = self.at;
                Some(Found::Payload(payload))
            }
            None => self.unsound(),
        }
    }
}
