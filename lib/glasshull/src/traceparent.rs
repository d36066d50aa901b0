//! The W3C headers `traceparent` and `tracestate`, as far as Glasshull needs them.

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    /// Not all zero.
    pub(crate) trace_id: [u8; 16],
    /// Not 0.
    pub(crate) parent_id: u64,
    pub(crate) sampled: bool,
}

/// Longer headers are not read, in bytes. Version 00 has 55.
const MAX_TRACEPARENT_BYTES: usize = 128;

/// The W3C's own limit for `tracestate`, in bytes.
const MAX_TRACESTATE_BYTES: usize = 512;

/// Depths beyond are those of a hostile or a mistaken sender.
const MAX_DEPTH: u32 = 100_000;

impl TraceParent {
    /// Reads a header. None if anything about it is not as the standard says.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let header = header.trim_matches([' ', '\t']);
        if header.len() > MAX_TRACEPARENT_BYTES {
            return None;
        }
        let mut parts = header.split('-');
        let [version] = hex(parts.next()?)?;
        let trace_id = hex(parts.next()?)?;
        let parent_id = u64::from_be_bytes(hex(parts.next()?)?);
        let [flags] = hex(parts.next()?)?;
        // Later versions may say more; this one may not.
        let sound = version != 0xFF && (version != 0 || parts.next().is_none());
        (sound && trace_id != [0; 16] && parent_id != 0).then_some(Self {
            trace_id,
            parent_id,
            sampled: flags & 1 != 0,
        })
    }

    pub(crate) fn format(&self) -> String {
        let trace_id = u128::from_be_bytes(self.trace_id);
        format!("00-{trace_id:032x}-{:016x}-{:02x}", self.parent_id, u8::from(self.sampled))
    }
}

/// Exactly `N` bytes in lower-case hexadecimal.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Our member of a `tracestate`: that the decision is Glasshull's, and how many captured calls are around.
pub(crate) fn format_depth(depth: u32) -> String {
    format!("glasshull=d:{depth}")
}

/// The depth from our member of a `tracestate`, if there is one.
pub(crate) fn parse_depth(tracestate: &str) -> Option<u32> {
    if tracestate.len() > MAX_TRACESTATE_BYTES {
        return None;
    }
    let member = tracestate.split(',').find_map(|member| member.trim().strip_prefix("glasshull="))?;
    let depth = member.strip_prefix("d:").and_then(|depth| depth.parse().ok()).unwrap_or(1);
    Some(depth.min(MAX_DEPTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_sound_header_is_read_and_written_again() {
        let parent = TraceParent::parse(SOUND).unwrap();
        assert_eq!(parent.parent_id, 0x00f0_67aa_0ba9_02b7);
        assert!(parent.sampled);
        assert_eq!(parent.format(), SOUND);
        assert!(!TraceParent::parse(&SOUND.replace("-01", "-00")).unwrap().sampled);
        assert!(TraceParent::parse(&format!(" {SOUND}\t")).is_some());
    }

    #[test]
    fn a_later_version_may_say_more() {
        assert!(TraceParent::parse(&format!("{}-more", SOUND.replacen("00", "01", 1))).is_some());
        assert!(TraceParent::parse(&format!("{SOUND}-more")).is_none());
    }

    #[test]
    fn hostile_headers_are_refused() {
        let hostile = [
            "",
            "-",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-äbf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        ];
        for header in hostile {
            assert_eq!(TraceParent::parse(header), None, "{header}");
        }
        assert_eq!(TraceParent::parse(&"0".repeat(1 << 20)), None);
    }

    #[test]
    fn the_depth_survives() {
        assert_eq!(parse_depth(&format!("other=1, {} ,x=y", format_depth(7))), Some(7));
        assert_eq!(parse_depth("other=1"), None);
        assert_eq!(parse_depth("glasshull=what"), Some(1));
        assert_eq!(parse_depth("glasshull=d:4294967295"), Some(MAX_DEPTH));
        assert_eq!(parse_depth(&"x".repeat(10_000)), None);
    }
}
