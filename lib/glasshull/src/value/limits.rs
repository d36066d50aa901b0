//! How much of one value is captured.

use glasshull_wire::limits::{
    DEFAULT_CAPTURED_BYTES, DEFAULT_CAPTURED_DEPTH, DEFAULT_CAPTURED_ITEMS, DEFAULT_CAPTURED_TEXT_BYTES,
    MAX_CAPTURED_BYTES, MAX_CAPTURED_DEPTH, MAX_CAPTURED_ITEMS, MAX_CAPTURED_TEXT_BYTES,
};
use glasshull_wire::v1;

/// The limits of one value. What exceeds them is cut off and marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes in binary form.
    pub(crate) bytes: usize,
    /// Containers inside each other. What is deeper is replaced by a marker.
    pub(crate) depth: usize,
    /// Items of one list, entries of one map, fields of one struct.
    pub(crate) items: usize,
    /// Bytes of one text.
    pub(crate) text_bytes: usize,
}

impl Limits {
    /// What holds where a probe says nothing.
    pub(crate) const DEFAULT: Self = Self {
        bytes: DEFAULT_CAPTURED_BYTES,
        depth: DEFAULT_CAPTURED_DEPTH,
        items: DEFAULT_CAPTURED_ITEMS,
        text_bytes: DEFAULT_CAPTURED_TEXT_BYTES,
    };

    /// What holds whatever a probe says.
    pub(crate) const CAPS: Self = Self {
        bytes: MAX_CAPTURED_BYTES,
        depth: MAX_CAPTURED_DEPTH,
        items: MAX_CAPTURED_ITEMS,
        text_bytes: MAX_CAPTURED_TEXT_BYTES,
    };

    /// The greater of both, in each respect.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.max(other.bytes),
            depth: self.depth.max(other.depth),
            items: self.items.max(other.items),
            text_bytes: self.text_bytes.max(other.text_bytes),
        }
    }

    /// What a probe asks for, within the caps.
    pub(crate) fn asked(asked: Option<&v1::ValueLimits>) -> Self {
        let Some(asked) = asked else { return Self::DEFAULT };
        let chosen = |asked: u32, default: usize, cap: usize| match asked {
            0 => default,
            asked => cap.min(asked as usize),
        };
        let (default, caps) = (Self::DEFAULT, Self::CAPS);
        Self {
            bytes: chosen(asked.bytes, default.bytes, caps.bytes),
            depth: chosen(asked.depth, default.depth, caps.depth),
            items: chosen(asked.items, default.items, caps.items),
            text_bytes: chosen(asked.text_bytes, default.text_bytes, caps.text_bytes),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn where_a_probe_says_nothing_the_defaults_hold() {
        assert_eq!(Limits::asked(None), Limits::default());
        assert_eq!(Limits::asked(Some(&v1::ValueLimits::default())), Limits::DEFAULT);
        let deeper = v1::ValueLimits { depth: 12, ..Default::default() };
        assert_eq!(Limits::asked(Some(&deeper)), Limits { depth: 12, ..Limits::DEFAULT });
    }

    proptest! {
        #[test]
        fn whatever_a_probe_asks_for_the_caps_hold(bytes: u32, depth: u32, items: u32, text_bytes: u32) {
            let limits = Limits::asked(Some(&v1::ValueLimits { bytes, depth, items, text_bytes }));
            let caps = Limits::CAPS;
            prop_assert!(limits.bytes <= caps.bytes && limits.depth <= caps.depth);
            prop_assert!(limits.items <= caps.items && limits.text_bytes <= caps.text_bytes);
            prop_assert!(limits.bytes > 0 && limits.depth > 0 && limits.items > 0 && limits.text_bytes > 0);
        }
    }
}
