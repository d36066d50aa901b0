//! Counting before believing: a repeated field of empty messages costs its sender two bytes an entry, and its reader
//! a hundred. So entries are counted in a message's bytes before it is decoded.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Field numbers from the outermost message to the repeated field, with the most entries it may have in all.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Field numbers, the repeated field's last.
    pub path: &'static [u32],
    /// Entries over all messages that the path leads through.
    pub most: usize,
}

/// Whether a message keeps all bounds, as far as it is protobuf: what decoding it would hold in memory.
pub fn within(bounds: &[Bound], message: &[u8]) -> bool {
    bounds.iter().all(|bound| count(message, bound.path) <= bound.most)
}

/// How many entries there are at the end of a path, up to where the bytes are no protobuf.
fn count(mut message: &[u8], path: &[u32]) -> usize {
    let Some((&field, below)) = path.split_first() else { return 0 };
    let mut entries = 0usize;
    while let Some(found) = next_of(field, &mut message) {
        entries = entries.saturating_add(if below.is_empty() { 1 } else { count(found, below) });
    }
    entries
}

/// The next entry of a field, which is text, bytes or a message.
fn next_of<'a>(field: u32, message: &mut &'a [u8]) -> Option<&'a [u8]> {
    while message.has_remaining() {
        let (tag, wire_type) = decode_key(message).ok()?;
        if tag != field || wire_type != WireType::LengthDelimited {
            skip_field(wire_type, tag, message, DecodeContext::default()).ok()?;
            continue;
        }
        let length = usize::try_from(decode_varint(message).ok()?).ok()?;
        // One that ends too early is an entry all the same: it is decoded up to its end.
        let (entry, rest) = message.split_at(length.min(message.len()));
        *message = rest;
        return Some(entry);
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::v1::{Function, Functions, ToHub, to_hub};

    fn announcing(functions: usize, arguments: usize) -> Vec<u8> {
        let function = Function { arguments: vec![String::new(); arguments], ..Function::default() };
        let functions = Functions { functions: vec![function; functions] };
        ToHub { message: Some(to_hub::Message::Functions(functions)) }.encode_to_vec()
    }

    #[test]
    fn entries_are_counted_at_any_depth() {
        let message = announcing(3, 5);
        assert_eq!(count(&message, &[2]), 1);
        assert_eq!(count(&message, &[2, 1]), 3);
        assert_eq!(count(&message, &[2, 1, 5]), 15);
        assert_eq!(count(&message, &[3, 1]), 0);
        assert!(within(&[Bound { path: &[2, 1], most: 3 }], &message));
        assert!(!within(&[Bound { path: &[2, 1], most: 2 }], &message));
    }

    #[test]
    fn bytes_that_are_no_protobuf_count_as_far_as_they_are() {
        for bytes in
            [&b""[..], b"\xff\xff\xff\xff", b"\x12\x7f", b"\x0b", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
        {
            assert_eq!(count(bytes, &[2, 1]), 0, "{bytes:?}");
        }
        let mut message = announcing(3, 0);
        message.extend(b"\xff\xff\xff\xff");
        assert_eq!(count(&message, &[2, 1]), 3);
        message.truncate(message.len() - 5);
        assert!(count(&message, &[2, 1]) <= 3);
    }
}
