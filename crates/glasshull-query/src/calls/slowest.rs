//! The slowest calls, by the summaries of segments: which rows `ORDER BY duration_ns DESC LIMIT n` has to look at.
//!
//! A summary lists the slowest rows of each function. Of the rows that are listed and surely asked for, the n slowest give
//! a **threshold**: what took less time is not among the first n. A segment's list is enough where what is not listed took
//! less time, or where n rows are listed of each function; any other segment is read as ever.

use glasshull_store::summary::{Slow, Summary};

/// How many of the slowest are asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Top {
    /// At least 1.
    pub(super) most: usize,
    /// Whether of calls that took the same time any will do.
    pub(super) any_of_equals: bool,
}

/// What a segment's summary lists of what is asked for.
#[derive(Clone, Debug)]
pub(super) struct List {
    slow: Vec<Slow>,
    /// What calls that are not listed took at most; `None` where all are.
    unlisted_at_most_ns: Option<u64>,
    /// Whether there are as many listed of each function as are asked for, or all.
    enough_of_each: bool,
    /// Whether what is listed is surely asked for.
    covered: bool,
}

impl List {
    /// Of the chosen functions; `None` where the summary does not know all functions.
    pub(super) fn of(summary: &Summary, chosen: &[bool], covered: bool, top: Top) -> Option<Self> {
        if summary.has_others() {
            return None;
        }
        let mut list = Self { slow: Vec::new(), unlisted_at_most_ns: None, enough_of_each: true, covered };
        for (function, _) in summary.functions().zip(chosen).filter(|(_, chosen)| **chosen) {
            let slow = function.slowest();
            if !function.lists_all() {
                let least = slow.iter().map(|slow| slow.at_most_ns).min();
                list.unlisted_at_most_ns = list.unlisted_at_most_ns.max(least);
                list.enough_of_each &= slow.len() >= top.most;
            }
            list.slow.extend(slow);
        }
        if covered {
            list.keep_from(threshold(&list.slow, top.most));
        }
        Some(list)
    }

    /// Forgets rows that took less.
    fn keep_from(&mut self, threshold_ns: u64) {
        self.slow.retain(|slow| slow.at_most_ns >= threshold_ns);
    }

    /// Whether no other row than those listed can be among those asked for.
    fn is_enough(&self, threshold_ns: u64, top: Top) -> bool {
        self.unlisted_at_most_ns.is_none_or(|at_most_ns| at_most_ns < threshold_ns)
            || (self.covered && self.enough_of_each && top.any_of_equals)
    }
}

/// The rows of each segment that may be among the slowest; `None` where all may be, for want of a list or by what it says.
pub(super) fn rows(lists: Vec<Option<List>>, top: Top) -> Vec<Option<Vec<u64>>> {
    let sure: Vec<Slow> =
        lists.iter().flatten().filter(|list| list.covered).flat_map(|list| list.slow.iter().copied()).collect();
    let threshold_ns = threshold(&sure, top.most);
    let rows = |mut list: List| {
        list.keep_from(threshold_ns);
        let mut rows: Vec<u64> = list.slow.iter().map(|slow| slow.row).collect();
        rows.sort_unstable();
        rows
    };
    lists.into_iter().map(|list| list.filter(|list| list.is_enough(threshold_ns, top)).map(rows)).collect()
}

/// What so many of these took at least; 0 where there are fewer.
fn threshold(slow: &[Slow], most: usize) -> u64 {
    let mut at_least: Vec<u64> = slow.iter().map(|slow| slow.at_least_ns).collect();
    let Some(place) = at_least.len().checked_sub(most) else { return 0 };
    *at_least.select_nth_unstable(place).1
}
