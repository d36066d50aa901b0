//! How sure a difference of two shares is.
//!
//! The interval is Newcombe's hybrid score interval: R. G. Newcombe, "Interval estimation for the difference between
//! independent proportions: comparison of eleven methods", Statistics in Medicine 17 (1998), method 10. It joins the two
//! shares' own Wilson intervals `l..u`:
//!
//! ```text
//! low  = p1 - p2 - sqrt((p1 - l1)^2 + (u2 - p2)^2)
//! high = p1 - p2 + sqrt((u1 - p1)^2 + (p2 - l2)^2)
//! ```
//!
//! It holds for few rows and for shares of nothing or all, where the textbook's interval fails.

/// The normal distribution's bound of 99.9 %: hundreds of values are compared at a time, and with 95 % one of twenty would
/// be told that chance made.
pub(super) const SURE: f64 = 3.290_527;

/// So many of so many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) count: u64,
    pub(super) of: u64,
}

impl Share {
    pub(super) fn value(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }

    /// Wilson's score interval.
    fn interval(self, z: f64) -> [f64; 2] {
        if self.of == 0 {
            return [0.0, 1.0];
        }
        let (of, share) = (self.of as f64, self.value());
        let scale = 1.0 + z * z / of;
        let middle = share + z * z / (2.0 * of);
        let reach = z * (share * (1.0 - share) / of + z * z / (4.0 * of * of)).sqrt();
        [((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0)]
    }
}

/// What the difference of two shares is, with the confidence of `z`: from, to.
pub(super) fn difference(one: Share, other: Share, z: f64) -> [f64; 2] {
    let (p1, p2) = (one.value(), other.value());
    let ([l1, u1], [l2, u2]) = (one.interval(z), other.interval(z));
    let difference = p1 - p2;
    [difference - (p1 - l1).hypot(u2 - p2), difference + (u1 - p1).hypot(p2 - l2)]
}

/// How far from nothing a difference is at least; 0 where there may be none.
pub(super) fn strength([low, high]: [f64; 2]) -> f64 {
    if low > 0.0 {
        low
    } else if high < 0.0 {
        -high
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const Z95: f64 = 1.959_964;

    fn interval(one: (u64, u64), other: (u64, u64)) -> [f64; 2] {
        let share = |(count, of)| Share { count, of };
        difference(share(one), share(other), Z95).map(|end| (end * 1e4).round() / 1e4)
    }

    #[test]
    fn intervals_are_those_of_newcombe_1998_table_2_method_10() {
        assert_eq!(interval((56, 70), (48, 80)), [0.0524, 0.3339]);
        assert_eq!(interval((9, 10), (3, 10)), [0.1705, 0.8090]);
        assert_eq!(interval((5, 56), (0, 29)), [-0.0381, 0.1926]);
        assert_eq!(interval((10, 10), (0, 10)), [0.6075, 1.0]);
    }

    #[test]
    fn few_rows_are_less_sure_than_many() {
        let strong = |of| strength(difference(Share { count: of, of }, Share { count: 0, of: 1_000 }, SURE));
        assert!(strong(5) < strong(50) && strong(50) < strong(5_000));
        assert!(strong(5) > 0.0);
        assert_eq!(strength([-0.1, 0.2]), 0.0);
        assert_eq!(strength([-0.3, -0.2]), 0.2);
    }

    #[test]
    fn nothing_is_sure_of_no_rows() {
        assert_eq!(strength(difference(Share { count: 0, of: 0 }, Share { count: 5, of: 5 }, SURE)), 0.0);
    }
}
