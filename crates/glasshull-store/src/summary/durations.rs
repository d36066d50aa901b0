//! How durations are distributed, in buckets of one relative width: DDSketch (Masson, Rim, Lee: "DDSketch: a fast and
//! fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12, 2019), with γ = 2^(1/36). A duration stands for
//! all of its bucket `[γ^i, γ^(i+1))` by the value `2 γ^(i+1) / (γ + 1)`, which is at most `(γ - 1) / (γ + 1)` of it away.
//! Buckets are found by comparing whole numbers: the same on every machine, as they are stored.

use prost::encoding::{decode_varint, encode_varint};

/// How far an estimate may lie from the duration it stands for, as a share of that: (γ - 1) / (γ + 1).
pub const RELATIVE_ERROR: f64 = 0.009_627;

/// Buckets from one power of two to the next.
const PER_OCTAVE: usize = 36;

/// All there can be: one for a duration of 0, and those of 64 powers of two.
pub const BUCKETS: usize = 1 + 64 * PER_OCTAVE;

/// Where buckets begin between 2^63 and 2^64: 2^(63 + i/36), rounded up.
const BEGINS: [u64; PER_OCTAVE] = [
    0x8000_0000_0000_0000,
    0x827d_07f0_74fa_b03a,
    0x8506_7241_efbf_c018,
    0x879c_7c96_cbcb_165f,
    0x8a3f_65c4_2266_8a2f,
    0x8cef_6dd7_c141_7c7f,
    0x8fac_d61e_3eb5_feb6,
    0x9277_e129_2c4f_39fb,
    0x9550_d2d5_6827_a9b9,
    0x9837_f051_8db8_a970,
    0x9b2d_8024_86b7_d1b1,
    0x9e31_ca34_3ca1_aaf9,
    0xa145_17cc_6b94_5712,
    0xa467_b3a5_971f_fb02,
    0xa799_e9ec_21b5_ec99,
    0xaadc_0847_8762_efe5,
    0xae2e_5de1_bc84_2a44,
    0xb191_3b6e_b129_db01,
    0xb504_f333_f9de_6485,
    0xb889_d910_9e8b_bdae,
    0xbc20_4285_103d_00f4,
    0xbfc8_86bb_467d_7f37,
    0xc382_fe8f_051a_7e8c,
    0xc750_0496_4b10_a28d,
    0xcb2f_f529_eb71_e416,
    0xcf23_2e6e_5114_f9ee,
    0xd32a_105c_6de3_2391,
    0xd744_fcca_d69d_6af5,
    0xdb74_5777_0bf6_aa9f,
    0xdfb8_860e_f1e3_f2ab,
    0xe411_f03a_7609_4a36,
    0xe880_ffa5_662d_4340,
    0xed06_2009_77a2_65f1,
    0xf1a1_bf38_809a_1dbd,
    0xf654_4d26_e459_8f8e,
    0xfb1e_3bf6_334d_945f,
];

/// For each of 64 parts of that, all as wide: the bucket in which it begins.
const FIRST: [u8; 64] = {
    let (mut first, mut part) = ([0; 64], 0);
    while part < 64 {
        let begins = 1 << 63 | (part as u64) << 57;
        let mut bucket = 0;
        while bucket + 1 < PER_OCTAVE && BEGINS[bucket + 1] <= begins {
            bucket += 1;
        }
        first[part] = bucket as u8;
        part += 1;
    }
    first
};

/// The bucket of a duration in nanoseconds: less than [`BUCKETS`]. A longer one has no smaller bucket.
pub fn bucket(ns: u64) -> usize {
    if ns == 0 {
        return 0;
    }
    let zeros = ns.leading_zeros();
    let shifted = ns << zeros;
    let mut inside = usize::from(FIRST[(shifted >> 57 & 63) as usize]);
    while inside + 1 < PER_OCTAVE && BEGINS[inside + 1] <= shifted {
        inside += 1;
    }
    1 + (63 - zeros as usize) * PER_OCTAVE + inside
}

/// The shortest and the longest duration in a bucket, in nanoseconds.
pub fn bounds(bucket: usize) -> (u64, u64) {
    let bucket = bucket.min(BUCKETS - 1);
    let next = if bucket + 1 < BUCKETS { begins(bucket + 1) - 1 } else { u64::MAX };
    (begins(bucket), next)
}

/// The shortest duration that is in no bucket below this.
fn begins(bucket: usize) -> u64 {
    let Some(above) = bucket.checked_sub(1) else { return 0 };
    let (octave, inside) = (above / PER_OCTAVE, above % PER_OCTAVE);
    let shift = 63 - octave;
    let begins = BEGINS[inside];
    // Rounded up: a duration is a whole number.
    (begins >> shift) + u64::from(begins & ((1 << shift) - 1) != 0)
}

/// What the durations of a bucket are estimated as, in nanoseconds.
fn estimate(bucket: usize) -> f64 {
    let Some(above) = bucket.checked_sub(1) else { return 0.0 };
    let gamma = (1.0 / PER_OCTAVE as f64).exp2();
    ((above + 1) as f64 / PER_OCTAVE as f64).exp2() * 2.0 / (gamma + 1.0)
}

/// How many durations there are in each bucket.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Durations {
    /// The lowest bucket that has a place in `counts`.
    first: usize,
    counts: Vec<u64>,
}

impl Durations {
    /// Adds as many durations of a bucket.
    pub fn add(&mut self, bucket: usize, calls: u64) {
        let bucket = bucket.min(BUCKETS - 1);
        self.make_room(bucket..bucket + 1);
        let count = &mut self.counts[bucket - self.first];
        *count = count.saturating_add(calls);
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.make_room(other.first..other.first + other.counts.len());
        let Some(counts) = other.first.checked_sub(self.first).and_then(|at| self.counts.get_mut(at..)) else { return };
        for (count, more) in counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
    }

    /// How many there are.
    pub fn calls(&self) -> u64 {
        self.counts.iter().fold(0, |all, &count| all.saturating_add(count))
    }

    /// What it takes in memory beside itself, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u64>()
    }

    /// How many buckets have a place.
    pub(super) fn places(&self) -> usize {
        self.counts.len()
    }

    /// What that share of the calls (from 0 to 1) did not exceed, in nanoseconds: as SQL's `percentile_cont`, which
    /// interpolates between two durations, and at most [`RELATIVE_ERROR`] away from it. `None` where there are none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let place = share.clamp(0.0, 1.0) * self.calls().checked_sub(1)? as f64;
        let (below, above) = (self.ranked(place.floor() as u64)?, self.ranked(place.ceil() as u64)?);
        Some(below + (above - below) * place.fract())
    }

    /// The estimate of the duration that so many are no longer than.
    fn ranked(&self, rank: u64) -> Option<f64> {
        let mut below = 0_u64;
        let found = self.counts.iter().position(|&count| {
            below = below.saturating_add(count);
            below > rank
        });
        found.map(|place| estimate(self.first + place))
    }

    /// Writes a single duration in nanoseconds, as [`Durations::write`] does.
    pub fn write_one(ns: u64, to: &mut Vec<u8>) {
        encode_varint(bucket(ns) as u64, to);
        to.extend_from_slice(&[1, 1]);
    }

    /// Writes them: the first bucket, how many follow, the count of each; behind a 0 how many more there are.
    pub fn write(&self, to: &mut Vec<u8>) {
        encode_varint(self.first as u64, to);
        encode_varint(self.counts.len() as u64, to);
        let mut counts = self.counts.iter().peekable();
        while let Some(&count) = counts.next() {
            encode_varint(count, to);
            if count == 0 {
                let mut more = 0;
                while counts.next_if(|&&count| count == 0).is_some() {
                    more += 1;
                }
                encode_varint(more, to);
            }
        }
    }

    /// Adds what was written; `None` where that is nonsense, of which some may then have been added.
    pub fn add_written(&mut self, mut bytes: &[u8]) -> Option<()> {
        let (first, places) = (number(&mut bytes)?, number(&mut bytes)?);
        let end = first.checked_add(places).filter(|&end| end <= BUCKETS)?;
        self.make_room(first..end);
        let mut counts = if places == 0 { &mut [] } else { &mut self.counts[first - self.first..end - self.first] };
        while let Some((count, rest)) = std::mem::take(&mut counts).split_first_mut() {
            // Most counts are one byte.
            let more = match bytes.split_first() {
                Some((&byte @ 1..0x80, behind)) => {
                    bytes = behind;
                    u64::from(byte)
                }
                _ => decode_varint(&mut bytes).ok()?,
            };
            *count = count.saturating_add(more);
            let skipped = if more == 0 { number(&mut bytes)? } else { 0 };
            counts = rest.get_mut(skipped..)?;
        }
        bytes.is_empty().then_some(())
    }

    /// Gives places to some buckets.
    fn make_room(&mut self, buckets: std::ops::Range<usize>) {
        if buckets.is_empty() {
            return;
        }
        if self.counts.is_empty() {
            self.first = buckets.start;
        }
        if buckets.start < self.first {
            let more = self.first - buckets.start;
            self.counts.splice(..0, std::iter::repeat_n(0, more));
            self.first = buckets.start;
        }
        let places = buckets.end - self.first;
        if places > self.counts.len() {
            self.counts.resize(places, 0);
        }
    }
}

/// The next number, for a place in memory.
pub(super) fn number(bytes: &mut &[u8]) -> Option<usize> {
    decode_varint(bytes).ok().and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(durations: &[u64]) -> Durations {
        let mut all = Durations::default();
        durations.iter().for_each(|&ns| all.add(bucket(ns), 1));
        all
    }

    #[test]
    fn buckets_begin_where_the_formula_says() {
        for (i, &begins) in BEGINS.iter().enumerate() {
            let exact = (63.0 + i as f64 / PER_OCTAVE as f64).exp2();
            assert!((begins as f64 / exact - 1.0).abs() < 1e-14, "{i}");
        }
        let gamma = (1.0 / PER_OCTAVE as f64).exp2();
        assert!(((gamma - 1.0) / (gamma + 1.0) - RELATIVE_ERROR).abs() < 1e-6);
        assert_eq!((bucket(0), bucket(1), bucket(2), bucket(u64::MAX)), (0, 1, 37, BUCKETS - 1));
    }

    #[test]
    fn a_bucket_has_what_lies_between_its_bounds() {
        for place in 0..BUCKETS {
            let (shortest, longest) = bounds(place);
            if shortest <= longest {
                assert_eq!((bucket(shortest), bucket(longest)), (place, place), "{place}");
            }
            assert!(place + 1 == BUCKETS || bounds(place + 1).0 == longest + 1, "{place}");
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Durations::default().quantile(0.5), None);
        assert_eq!(of(&[0]).quantile(0.99), Some(0.0));
    }

    fn durations() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(prop_oneof![0..50_u64, 1_000..2_000_000_u64, any::<u64>()], 0..60)
    }

    proptest! {
        #[test]
        fn an_estimate_is_as_near_as_promised(mut durations in durations(), share in 0.0..=1.0_f64) {
            prop_assume!(!durations.is_empty());
            let estimate = of(&durations).quantile(share).unwrap();
            durations.sort_unstable();
            let place = share * (durations.len() - 1) as f64;
            let [below, above] = [place.floor(), place.ceil()].map(|rank| durations[rank as usize] as f64);
            let exact = below + (above - below) * place.fract();
            prop_assert!((estimate - exact).abs() <= exact * RELATIVE_ERROR * 1.001, "{estimate} instead of {exact}");
        }

        #[test]
        fn merged_or_written_and_read_it_is_the_same(a in durations(), b in durations()) {
            let all = of(&[a.clone(), b.clone()].concat());
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(&merged, &all);
            let mut read = of(&a);
            let mut written = Vec::new();
            of(&b).write(&mut written);
            prop_assert!(read.add_written(&written).is_some());
            prop_assert_eq!(&read, &all);
            prop_assert_eq!(read.calls(), (a.len() + b.len()) as u64);
        }

        #[test]
        fn nonsense_is_none_and_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut read = Durations::default();
            let _ = read.add_written(&bytes);
            prop_assert!(read.places() <= BUCKETS);
        }
    }
}
