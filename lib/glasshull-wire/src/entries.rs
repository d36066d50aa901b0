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

/// Whether a message keeps all bounds. One that is no protobuf at all does not.
pub fn within(bounds: &[Bound], message: &[u8]) -> bool {
    bounds.iter().all(|bound| count(message, bound.path).is_some_and(|entries| entries <= bound.most))
}

/// How many entries there are at the end of a path; `None` where the bytes on the way are no protobuf.
fn count(mut message: &[u8], path: &[u32]) -> Option<usize> {
    let (&field, below) = path.split_first()?;
    let mut entries = 0usize;
    while message.has_remaining() {
        let (tag, wire_type) = decode_key(&mut message).ok()?;
        if tag != field || wire_type != WireType::LengthDelimited {
            skip_field(wire_type, tag, &mut message, DecodeContext::default()).ok()?;
            continue;
        }
        let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
        let (inner, rest) = message.split_at_checked(length)?;
        entries += if below.is_empty() { 1 } else { count(inner, below)? };
        message = rest;
    }
    Some(entries)
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
        assert_eq!(count(&message, &[2]), Some(1));
        assert_eq!(count(&message, &[2, 1]), Some(3));
        assert_eq!(count(&message, &[2, 1, 5]), Some(15));
        assert_eq!(count(&message, &[3, 1]), Some(0));
        assert!(within(&[Bound { path: &[2, 1], most: 3 }], &message));
        assert!(!within(&[Bound { path: &[2, 1], most: 2 }], &message));
    }

    #[test]
    fn what_is_no_protobuf_is_within_no_bounds() {
        for bytes in [&b"\xff\xff\xff\xff"[..], b"\x12\x7f", b"\x12\x02\x0a\x7f", b"\x0b"] {
            assert!(!within(&[Bound { path: &[2, 1], most: 9 }], bytes), "{bytes:?}");
        }
    }
}
