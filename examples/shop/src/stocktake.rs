//! The service `stocktake`: once a year everything is counted, bin by bin, by two clerks.
//!
//! One job, one trace: a hundred thousand calls, most of them of one function. One bin cannot be counted, and one of the
//! two clerks is the slower one.

use std::thread;
use std::time::Duration;

use glasshull::context;
use serde::Serialize;

use crate::dice::Dice;
use crate::goods::GOODS;

/// Bins of a shelf, and of an aisle.
const SHELF: u32 = 50;
const AISLE: u32 = 2_500;

/// Where the scanner sees nothing.
const DARK_BIN: u32 = 4_217;

/// What the way to the next shelf takes. Without it a hundred thousand calls are made sooner than they can be sent.
const WALK: Duration = Duration::from_millis(2);

/// What lies in one bin.
#[derive(Debug, PartialEq, Serialize)]
pub struct Count {
    pub sku: &'static str,
    pub pieces: u32,
}

/// Why a bin was not counted.
#[derive(Debug, thiserror::Error)]
#[error("the scanner sees nothing in bin {bin}")]
pub struct Dark {
    bin: u32,
}

/// Counts all bins; how many pieces there are.
#[glasshull::trace]
pub fn run(bins: u32) -> u64 {
    let half = bins.div_ceil(AISLE).div_ceil(2) * AISLE;
    let first = context::carry(move || clerk("Ada", 0, half.min(bins)));
    let second = context::carry(move || clerk("Ben", half.min(bins), bins));
    thread::scope(|clerks| {
        let first = clerks.spawn(first);
        let second = clerks.spawn(second);
        first.join().unwrap_or(0) + second.join().unwrap_or(0)
    })
}

/// Counts the bins from one to the other.
#[glasshull::trace]
fn clerk(name: &str, from: u32, to: u32) -> u64 {
    let aisles = (from..to).step_by(AISLE as usize);
    // Ben reads out what he counts.
    let pause = if name == "Ben" { WALK.mul_f32(1.2) } else { WALK };
    aisles.map(|first| aisle(first, to.min(first + AISLE), pause)).sum()
}

#[glasshull::trace(skip(pause))]
fn aisle(from: u32, to: u32, pause: Duration) -> u64 {
    let shelves = (from..to).step_by(SHELF as usize);
    shelves
        .map(|first| {
            thread::sleep(pause);
            shelf(first, to.min(first + SHELF))
        })
        .sum()
}

#[glasshull::trace]
fn shelf(from: u32, to: u32) -> u64 {
    (from..to).map(|bin| count(bin).map_or(0, |count| count.pieces.into())).sum()
}

/// Counts what lies in one bin.
#[glasshull::trace]
pub fn count(bin: u32) -> Result<Count, Dark> {
    if bin == DARK_BIN {
        return Err(Dark { bin });
    }
    let mut dice = Dice::new(bin.into());
    let good = dice.pick(GOODS);
    Ok(Count { sku: good.sku, pieces: dice.between(0, good.per_bin.into()) as u32 })
}

#[cfg(test)]
mod tests {
    use super::{DARK_BIN, count, run};

    #[test]
    fn everything_is_counted_but_what_is_dark() {
        let all: u64 = (0..5_000).filter_map(|bin| count(bin).ok()).map(|count| u64::from(count.pieces)).sum();
        assert_eq!(run(5_000), all);
        assert!(count(DARK_BIN).is_err());
        assert_eq!(run(0), 0);
    }
}
