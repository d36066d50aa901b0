//! Which segments become one. Never of two windows, as retention takes whole ones and a question about an hour reads
//! whole ones.
//!
//! Into a window that is still being written come segments again and again: there, those of about the same size become
//! one when there are [`MANY`] of them, so that a call is written again a few times at most (the logarithm of how many
//! segments there were). Once the window is over, two are too many, unless one of them is so much larger that writing
//! it again would cost more than reading one file more.

use glasshull_catalog::SegmentRow;

/// So many segments of about the same size in a window become one before it is over.
const MANY: usize = 8;

/// How many times larger a segment is than one of the size before.
const SIZE_FACTOR: u64 = 8;

/// Segments with fewer bytes are all of the same size: writing them again costs next to nothing.
const SMALL_BYTES: u64 = 1 << 20;

/// A segment this many times larger than all others together is left as it is.
const WORTH: u64 = 4;

/// Segments that become one: all of them are open, with a part of each in memory.
pub(super) const MAX_INPUTS: usize = 16;

/// Bytes that become one segment, in all. More in one file makes no question cheaper.
pub(super) const MAX_BYTES: u64 = 512 << 20;

/// Calls that become one segment, in all: sixteen row groups. The words of all of them are in memory until their index is
/// written, some 50 bytes a call.
pub(super) const MAX_CALLS: u64 = 1 << 20;

/// To write two large segments again for one file less costs more than it spares.
const FEWEST: u64 = 3;

/// The segments that should become one, in the order of their names; the newest window first, as it is asked about most.
/// `segments` are sorted by window. A window is over where it ended at or before `over_before_ns`; one of which a segment
/// is `left_alone` is left alone.
pub(super) fn plan(
    segments: &[SegmentRow],
    over_before_ns: i64,
    left_alone: impl Fn(&SegmentRow) -> bool,
) -> Option<Vec<SegmentRow>> {
    let windows: Vec<&[SegmentRow]> = segments.chunk_by(|a, b| a.window_start_ns == b.window_start_ns).collect();
    let mut windows = windows.into_iter().rev().filter(|window| !window.iter().any(&left_alone));
    let mut inputs = windows.find_map(|window| {
        let is_over = window.iter().all(|segment| segment.window_end_ns <= over_before_ns);
        if is_over { of_past(window) } else { of_present(window) }
    })?;
    inputs.sort_by(|a, b| a.path.cmp(&b.path));
    Some(inputs)
}

/// Of a window that is over: the smallest.
fn of_past(window: &[SegmentRow]) -> Option<Vec<SegmentRow>> {
    let mut small = mergeable(window);
    small.sort_by_key(|segment| (segment.bytes, &segment.path));
    let mut inputs = as_many_as_fit(&small);
    while let Some((largest, rest)) = inputs.split_last() {
        let others: u64 = rest.iter().map(|segment| segment.bytes).sum();
        if largest.bytes <= SMALL_BYTES.max(WORTH.saturating_mul(others)) {
            break;
        }
        inputs.pop();
    }
    (inputs.len() > 1).then_some(inputs)
}

/// Of a window that is being written: the oldest of the smallest size of which there are many.
fn of_present(window: &[SegmentRow]) -> Option<Vec<SegmentRow>> {
    let mut by_size = mergeable(window);
    by_size.sort_by_key(|segment| (size(segment), segment.min_started_at_ns, &segment.path));
    let mut sizes = by_size.chunk_by(|a, b| size(a) == size(b));
    sizes.find(|same| same.len() >= MANY).map(as_many_as_fit)
}

/// Those small enough that any [`FEWEST`] of them fit into one.
fn mergeable(window: &[SegmentRow]) -> Vec<&SegmentRow> {
    let small = |segment: &&SegmentRow| segment.bytes <= MAX_BYTES / FEWEST && segment.calls <= MAX_CALLS / FEWEST;
    window.iter().filter(small).collect()
}

/// The first ones, as many as may become one.
fn as_many_as_fit(segments: &[&SegmentRow]) -> Vec<SegmentRow> {
    let (mut bytes, mut calls) = (0, 0);
    let fit = segments.iter().take(MAX_INPUTS).take_while(|segment| {
        bytes += segment.bytes;
        calls += segment.calls;
        bytes <= MAX_BYTES && calls <= MAX_CALLS
    });
    fit.map(|&segment| segment.clone()).collect()
}

/// Segments of the same size differ by less than [`SIZE_FACTOR`].
fn size(segment: &SegmentRow) -> u32 {
    (segment.bytes / SMALL_BYTES).max(1).ilog(SIZE_FACTOR)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// The segments of a window that ends at `(window + 1) * 10`, with these bytes, named by their order.
    fn window(window: i64, bytes: &[u64]) -> Vec<SegmentRow> {
        let segment = |(i, &bytes): (usize, &u64)| SegmentRow {
            path: format!("{window}/{i:03}"),
            window_start_ns: window * 10,
            window_end_ns: (window + 1) * 10,
            min_started_at_ns: window * 10,
            max_started_at_ns: window * 10 + 9,
            calls: bytes.div_ceil(400),
            bytes,
            ..SegmentRow::default()
        };
        bytes.iter().enumerate().map(segment).collect()
    }

    /// The places of the planned segments among the given ones.
    fn planned(segments: &[SegmentRow], over_before_ns: i64) -> Vec<usize> {
        let plan = plan(segments, over_before_ns, |_| false).unwrap_or_default();
        plan.iter().map(|input| segments.iter().position(|segment| segment == input).unwrap()).collect()
    }

    #[test]
    fn a_window_that_is_over_becomes_one_segment() {
        assert_eq!(planned(&window(1, &[3 * MIB, MIB, 2 * MIB]), 20), [0, 1, 2]);
        assert_eq!(planned(&window(1, &[10, 20]), 20), [0, 1]);
        assert_eq!(planned(&window(1, &[10]), 20), [0; 0]);
        assert_eq!(planned(&window(1, &[10, 20]), 19), [0; 0], "it is not over");
        assert_eq!(planned(&[], 20), [0; 0]);
    }

    #[test]
    fn a_window_that_is_being_written_waits_for_many_of_the_same_size() {
        assert_eq!(planned(&window(1, &[10; 7]), 0), [0; 0]);
        assert_eq!(planned(&window(1, &[10; 8]), 0), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(planned(&window(1, &[10; 20]), 0).len(), MAX_INPUTS);
        let mut mixed = vec![10 * MIB; 4];
        mixed.extend([100 * MIB; 4]);
        assert_eq!(planned(&window(1, &mixed), 0), [0; 0]);
        mixed.extend([9 * MIB; 4]);
        assert_eq!(planned(&window(1, &mixed), 0), [0, 1, 2, 3, 8, 9, 10, 11]);
    }

    #[test]
    fn what_is_late_does_not_make_a_large_segment_be_written_again() {
        assert_eq!(planned(&window(1, &[100 * MIB, 2 * MIB]), 20), [0; 0]);
        assert_eq!(planned(&window(1, &[100 * MIB, 2 * MIB, 10]), 20), [0; 0]);
        assert_eq!(planned(&window(1, &[100 * MIB, 2 * MIB, 3 * MIB]), 20), [1, 2]);
        assert_eq!(planned(&window(1, &[100 * MIB, 30 * MIB]), 20), [0, 1]);
        assert_eq!(planned(&window(1, &[MIB, 10]), 20), [0, 1], "a small one is always worth it");
    }

    #[test]
    fn no_plan_exceeds_its_limits() {
        assert_eq!(planned(&window(1, &[300 * MIB, 300 * MIB]), 20), [0; 0]);
        let mut many_calls = window(1, &[10 * MIB; 3]);
        many_calls.iter_mut().for_each(|segment| segment.calls = MAX_CALLS / FEWEST);
        assert_eq!(planned(&many_calls, 20), [0, 1, 2]);
        many_calls.iter_mut().for_each(|segment| segment.calls += 1);
        assert_eq!(planned(&many_calls, 20), [0; 0]);
    }

    #[test]
    fn the_newest_window_comes_first_and_one_with_a_damaged_segment_never() {
        let mut segments = window(1, &[10, 10]);
        segments.extend(window(2, &[10, 10]));
        assert_eq!(planned(&segments, 100), [2, 3]);
        let damaged = plan(&segments, 100, |segment| segment.path == "2/001").unwrap();
        assert_eq!(damaged, segments[..2]);
    }

    proptest! {
        #[test]
        fn planning_comes_to_an_end_and_keeps_to_its_limits(
            bytes in prop::collection::vec(1..600 * MIB, 0..60), small in prop::collection::vec(1..3 * MIB, 0..60),
            over: bool,
        ) {
            let mut segments = window(1, &[bytes, small].concat());
            let before = segments.len();
            let mut merges = 0;
            while let Some(inputs) = plan(&segments, if over { 20 } else { 0 }, |_| false) {
                let bytes: u64 = inputs.iter().map(|input| input.bytes).sum();
                let calls: u64 = inputs.iter().map(|input| input.calls).sum();
                prop_assert!((2..=MAX_INPUTS).contains(&inputs.len()));
                prop_assert!(bytes <= MAX_BYTES && calls <= MAX_CALLS);
                segments.retain(|segment| !inputs.contains(segment));
                segments.push(SegmentRow { path: format!("1/m{merges:03}"), bytes, calls, ..inputs[0].clone() });
                merges += 1;
                prop_assert!(merges <= before);
            }
        }
    }
}
