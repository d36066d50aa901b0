//! Numbers that are kept to find the n-th smallest of them: sorted a run at a time, and written as the differences from one to the
//! next. A million durations take some two megabytes instead of eight.

use std::cmp::Ordering;

/// Numbers that are sorted and packed together.
const RUN: usize = 2_048;

/// Of no more numbers than these the n-th is found among all of them, unpacked.
const FEW: u64 = 64 * 1024;

/// Whole numbers up to this have a place in `f64` each.
const WHOLE: i64 = 1 << 53;

/// Parts into which the range of numbers is cut to find the n-th of many.
const PARTS: usize = 1 << 16;

/// Numbers, in no order.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    /// Runs: what kind they are of, how many numbers are in it, the first, the differences.
    runs: Vec<u8>,
    in_runs: u64,
    /// As keys.
    loose: Vec<u64>,
}

/// What a run's differences are between.
const OF_WHOLE_NUMBERS: u64 = 0;
const OF_KEYS: u64 = 1;

impl Packed {
    /// Adds a number; how many bytes more are taken.
    pub(super) fn push(&mut self, number: f64) -> usize {
        let before = self.bytes();
        self.loose.push(key_of(number));
        if self.loose.len() == RUN {
            self.pack();
        }
        self.bytes().saturating_sub(before)
    }

    /// Bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.runs.capacity() + self.loose.capacity() * size_of::<u64>()
    }

    fn len(&self) -> u64 {
        self.in_runs + self.loose.len() as u64
    }

    fn pack(&mut self) {
        self.loose.sort_unstable();
        let (Some(&first), count) = (self.loose.first(), self.loose.len()) else { return };
        let whole = self.loose.iter().all(|&key| is_whole(number_of(key)));
        let of = |key: u64| if whole { (number_of(key) as i64 + WHOLE).cast_unsigned() } else { key };
        write(&mut self.runs, if whole { OF_WHOLE_NUMBERS } else { OF_KEYS });
        write(&mut self.runs, count as u64);
        let mut before = of(first);
        write(&mut self.runs, before);
        for &key in &self.loose[1..] {
            write(&mut self.runs, of(key) - before);
            before = of(key);
        }
        self.in_runs += count as u64;
        self.loose.clear();
    }

    /// As bytes, for [`Self::add_written`].
    pub(super) fn written(mut self) -> Vec<u8> {
        self.pack();
        self.runs
    }

    /// Adds what was written; how many bytes more are taken. `None` for what nobody wrote.
    pub(super) fn add_written(&mut self, written: &[u8]) -> Option<usize> {
        let before = self.bytes();
        self.in_runs += Keys { runs: written, left: 0, at: 0, whole: false }.count_sound()?;
        self.runs.extend_from_slice(written);
        Some(self.bytes().saturating_sub(before))
    }

    /// The percentile, interpolated between two numbers as DataFusion's own is; `share` from 0 to 1. `None` where there are no
    /// numbers.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        let last = self.len().checked_sub(1)?;
        let place = share * last as f64;
        let (lower, upper) = (place.floor() as u64, place.ceil() as u64);
        let [below, above] = self.nth([lower.min(last), upper.min(last)])?;
        // Six digits of the weight, so that it is the same wherever it is computed.
        let weight = ((place - lower as f64) * 1e6).floor() / 1e6;
        Some(if lower == upper { below } else { below + (above - below) * weight })
    }

    /// The numbers at these places, from 0, the second the same as the first or behind it.
    fn nth(&self, places: [u64; 2]) -> Option<[f64; 2]> {
        if self.len() > FEW {
            let [first, second] = places;
            return Some([self.nth_of_many(first)?, self.nth_of_many(second)?]);
        }
        let mut keys: Vec<u64> = self.keys().collect();
        let mut at = |place: u64| {
            let place = usize::try_from(place).ok().filter(|&place| place < keys.len())?;
            Some(number_of(*keys.select_nth_unstable(place).1))
        };
        Some([at(places[0])?, at(places[1])?])
    }

    /// Counts how many numbers lie in which part of the range, then looks into the part that has the wanted one.
    fn nth_of_many(&self, place: u64) -> Option<f64> {
        let (mut low, mut high, mut place) = (0, u64::MAX, place);
        loop {
            let shift = (u64::BITS - (high - low).leading_zeros()).saturating_sub(PARTS.ilog2());
            let mut counts = vec![0_u64; PARTS];
            let inside = |key: &u64| (low..=high).contains(key);
            self.keys().filter(inside).for_each(|key| counts[((key - low) >> shift) as usize] += 1);
            let part = counts.iter().position(|&count| match place.cmp(&count) {
                Ordering::Less => true,
                _ => {
                    place -= count;
                    false
                }
            })?;
            low += (part as u64) << shift;
            high = high.min(low.saturating_add((1 << shift) - 1));
            if shift == 0 {
                return Some(number_of(low));
            }
            if counts[part] <= FEW {
                let mut keys: Vec<u64> = self.keys().filter(|key| (low..=high).contains(key)).collect();
                return Some(number_of(*keys.select_nth_unstable(place as usize).1));
            }
        }
    }

    /// All numbers, as keys.
    fn keys(&self) -> impl Iterator<Item = u64> {
        let packed = Keys { runs: &self.runs, left: 0, at: 0, whole: false };
        packed.chain(self.loose.iter().copied())
    }
}

/// The numbers of runs, as keys; ends where a run is damaged.
struct Keys<'r> {
    runs: &'r [u8],
    /// Numbers of the run that are still to come.
    left: u64,
    /// The last one, as the run has it.
    at: u64,
    whole: bool,
}

impl Keys<'_> {
    /// How many there are, where no run is damaged.
    fn count_sound(mut self) -> Option<u64> {
        let mut count = 0;
        while self.next().is_some() {
            count += 1;
        }
        (self.runs.is_empty() && self.left == 0).then_some(count)
    }
}

impl Iterator for Keys<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.left == 0 {
            self.whole = read(&mut self.runs)? == OF_WHOLE_NUMBERS;
            self.left = read(&mut self.runs)?;
            self.at = 0;
        }
        self.left = self.left.checked_sub(1)?;
        self.at = self.at.wrapping_add(read(&mut self.runs)?);
        Some(if self.whole { key_of(self.at.cast_signed().wrapping_sub(WHOLE) as f64) } else { self.at })
    }
}

fn is_whole(number: f64) -> bool {
    // A zero below zero would become one above.
    number.abs() < WHOLE as f64 && number.trunc() == number && (number != 0.0 || number.is_sign_positive())
}

/// A number that is ordered as [`f64::total_cmp`] orders these.
fn key_of(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn number_of(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// Seven bits a byte, the lowest first.
fn write(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn read(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(numbers: &[f64]) -> Packed {
        let mut packed = Packed::default();
        for &number in numbers {
            packed.push(number);
        }
        packed
    }

    fn nth(numbers: &[f64], place: usize) -> f64 {
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[place]
    }

    fn number() -> impl Strategy<Value = f64> {
        let whole = |range: std::ops::Range<i64>| range.prop_map(|number| number as f64);
        prop_oneof![4 => whole(0..1_000_000), 1 => any::<f64>(), 1 => Just(-0.0), 1 => whole(-9..9)]
    }

    proptest! {
        #[test]
        fn the_nth_is_that_of_all_in_order(
            numbers in prop::collection::vec(number(), 1..5_000), at in 0.0..1.0, split in 0.0..1.0,
        ) {
            let (one, other) = numbers.split_at((split * numbers.len() as f64) as usize);
            let mut both = packed(one);
            both.add_written(&packed(other).written()).unwrap();
            let place = (at * numbers.len() as f64) as usize;
            let expected = nth(&numbers, place).to_bits();
            let found = both.nth([place as u64; 2]).unwrap().map(f64::to_bits);
            prop_assert_eq!(found, [expected; 2]);
            prop_assert_eq!(both.nth_of_many(place as u64).unwrap().to_bits(), expected);
        }

        #[test]
        fn damaged_bytes_are_refused_or_harmless(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            let mut packed = Packed::default();
            let _ = packed.add_written(&bytes);
            let _ = packed.percentile(0.5);
        }
    }

    #[test]
    fn durations_take_a_quarter_of_their_memory() {
        let mut random = 1_u64;
        let numbers: Vec<f64> = (0..500_000)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 44) as f64
            })
            .collect();
        let all = packed(&numbers);
        assert!(all.clone().written().len() < 500_000 * 2 + 10_000, "{} bytes", all.written().len());
        let place = 0.99 * 499_999.0;
        let (below, above) = (nth(&numbers, place as usize), nth(&numbers, place as usize + 1));
        let found = packed(&numbers).percentile(0.99).unwrap();
        assert!((below..=above).contains(&found), "{below} {found} {above}");
        let near: Vec<f64> = (0..200_000).map(|n| f64::from(1_000_000 + n % 100)).collect();
        assert_eq!(packed(&near).nth([0, 150_001]), Some([1_000_000.0, 1_000_075.0]));
        assert_eq!(Packed::default().percentile(0.5), None);
        assert_eq!((packed(&[3.0]).percentile(0.9), packed(&[1.0, 2.0]).percentile(0.5)), (Some(3.0), Some(1.5)));
    }
}
