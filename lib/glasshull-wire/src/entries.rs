//! Counting before believing: a repeated field of empty messages costs its sender two bytes an entry, and its reader
//! a hundred. So entries are counted in a message's bytes before it is decoded.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::limits::{MAX_CONDITION_DEPTH, MAX_PATTERNS, MAX_PROBES, MAX_REFUSED_TOLD};

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

/// Whether a `ToInstance` message keeps the limits on probes, patterns, conditions and refused batches: what an instance
/// would hold in memory if it decoded what a hub that lies sends it.
///
/// ```
/// use glasshull_wire::{Message as _, entries, v1};
///
/// let probes = v1::Probes { revision: 1, probes: vec![v1::Probe::default(); 5_000] };
/// let message = v1::ToInstance { message: Some(v1::to_instance::Message::Probes(probes)) };
/// assert!(!entries::within_instance_limits(&message.encode_to_vec()));
/// ```
pub fn within_instance_limits(message: &[u8]) -> bool {
    let refused = each(1, message).flat_map(|welcome| each(5, welcome));
    if refused.map(<[u8]>::len).sum::<usize>() > MAX_REFUSED_TOLD * MAX_VARINT_BYTES {
        return false;
    }
    let lists = each(1, message).flat_map(|welcome| each(3, welcome)).chain(each(2, message));
    let probes = lists.flat_map(|probes| each(2, probes));
    let (mut count, mut patterns, mut parts) = (0, 0, 0);
    for probe in probes {
        count += 1;
        patterns += each(2, probe).count();
        for condition in each(3, probe) {
            parts += parts_of(condition, MAX_CONDITION_DEPTH);
        }
        if count > MAX_PROBES_SENT || patterns > MAX_PROBES * MAX_PATTERNS || parts > MAX_INSTANCE_CONDITION_PARTS {
            return false;
        }
    }
    true
}

/// What a number takes at most.
const MAX_VARINT_BYTES: usize = 10;

/// More probes than an instance takes are left out by it; so many more are a lie.
const MAX_PROBES_SENT: usize = 16 * MAX_PROBES;

/// Conditions, steps and literals of all probes of one instance: about a hundred bytes each in memory.
const MAX_INSTANCE_CONDITION_PARTS: usize = 64 * 1024;

/// Conditions in a condition, steps and literals, down to as many levels as are decoded at all.
fn parts_of(condition: &[u8], levels: usize) -> usize {
    // Deeper ones are not decoded, but refused; counting them all the same would let the count recurse without end.
    let Some(levels) = levels.checked_sub(1) else { return MAX_INSTANCE_CONDITION_PARTS + 1 };
    let inner = [1, 2].into_iter().flat_map(|list| each(list, condition)).flat_map(|list| each(1, list));
    let negated = each(3, condition);
    let below = inner.chain(negated).map(|inner| parts_of(inner, levels));
    let comparisons = each(4, condition);
    let compared = comparisons.map(|comparison| each(2, comparison).count() + each(4, comparison).count());
    below.chain(compared).fold(1, usize::saturating_add)
}

/// The entries of one field.
fn each(field: u32, mut message: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || next_of(field, &mut message))
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
    use crate::v1::{
        Comparison, Condition, Conditions, Function, Functions, Literal, Probe, Probes, ToHub, ToInstance, Welcome,
        condition, to_hub, to_instance,
    };

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

    fn of_one_probe(probe: Probe) -> [Vec<u8>; 2] {
        let probes = Probes { revision: 1, probes: vec![probe] };
        let welcome = Welcome { probes: Some(probes.clone()), ..Welcome::default() };
        [to_instance::Message::Probes(probes), to_instance::Message::Welcome(welcome)]
            .map(|message| ToInstance { message: Some(message) }.encode_to_vec())
    }

    #[track_caller]
    fn refused(probe: Probe) {
        for message in of_one_probe(probe) {
            assert!(!within_instance_limits(&message));
        }
    }

    fn comparing(literals: usize) -> Condition {
        let comparison = Comparison { values: vec![Literal::default(); literals], ..Comparison::default() };
        Condition { kind: Some(condition::Kind::Comparison(comparison)) }
    }

    fn with(condition: Condition) -> Probe {
        Probe { condition: Some(condition), ..Probe::default() }
    }

    #[test]
    fn as_many_refused_batches_are_told_as_an_instance_listens_to() {
        let told = |refused: Vec<u64>| {
            let welcome = Welcome { refused, ..Welcome::default() };
            ToInstance { message: Some(to_instance::Message::Welcome(welcome)) }.encode_to_vec()
        };
        assert!(within_instance_limits(&told(vec![u64::MAX; MAX_REFUSED_TOLD])));
        assert!(!within_instance_limits(&told(vec![u64::MAX; MAX_REFUSED_TOLD + 1])));
        assert!(!within_instance_limits(&told(vec![1; 10 * MAX_REFUSED_TOLD + 1])));
    }

    #[test]
    fn what_a_hub_may_ask_of_an_instance_is_bounded_before_it_is_decoded() {
        for message in of_one_probe(Probe { patterns: vec!["a".into(); MAX_PATTERNS], ..with(comparing(4_096)) }) {
            assert!(within_instance_limits(&message));
        }
        refused(Probe { patterns: vec![String::new(); MAX_PROBES * MAX_PATTERNS + 1], ..Probe::default() });
        refused(with(comparing(MAX_INSTANCE_CONDITION_PARTS)));
        let nothing = Condition::default();
        let wide = Conditions { conditions: vec![nothing.clone(); MAX_INSTANCE_CONDITION_PARTS] };
        refused(with(Condition { kind: Some(condition::Kind::All(wide.clone())) }));
        let negated = Condition { kind: Some(condition::Kind::Any(wide)) };
        refused(with(Condition { kind: Some(condition::Kind::Not(Box::new(negated))) }));
        let not = |inner| Condition { kind: Some(condition::Kind::Not(Box::new(inner))) };
        refused(with((0..MAX_CONDITION_DEPTH).fold(nothing, |inner, _| not(inner))));
        let steps = Comparison { path: vec![String::new(); MAX_INSTANCE_CONDITION_PARTS], ..Comparison::default() };
        refused(with(Condition { kind: Some(condition::Kind::Comparison(steps)) }));
        assert!(within_instance_limits(b"") && within_instance_limits(b"\xff\xff\xff"));
    }
}
