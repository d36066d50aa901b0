//! `calls-v1`: the calls of a shop, the same for a seed whoever asks, made as they are read.
//!
//! Traces of 20 calls, four levels deep, of 200 functions in 8 services on 40 instances; some functions are called much
//! more often than others (Zipf). Ten million calls an hour.

use std::f64::consts::TAU;
use std::fmt::Write;

use crate::chance::Chance;

/// Calls of one trace.
pub(super) const CALLS_PER_TRACE: u64 = 20;

/// Calls that start within an hour; more calls take more hours.
pub(super) const CALLS_PER_HOUR: u64 = 10_000_000;

/// 2026-11-20 10:00 UTC: an hour that is over, since a hub refuses calls of the future.
pub(super) const BEGINS_NS: i64 = 1_795_168_800_000_000_000;

pub(super) const HOUR_NS: i64 = 3_600_000_000_000;

/// The workload's version: whoever changes what is made changes it.
const SEED: u64 = 0x0063_616c_6c73_7631;

const LEVELS: u32 = 4;

pub(super) const FUNCTIONS: u16 = 200;

/// Each has 25 functions, and five instances.
const SERVICES: [&str; 8] = ["checkout", "pricing", "stock", "accounts", "payment", "shipping", "search", "mail"];

pub(super) const INSTANCES: u8 = 40;

/// What runs on all of them.
pub(super) const RELEASE: &str = "2026.11.3";

/// Threads of an instance that work.
const THREADS: u8 = 4;

/// Of so many calls inside a trace one goes to any service; the others stay in their caller's.
const LEAVES_ONE_IN: u64 = 4;

const MODULES: [&str; 5] = ["cart", "quote", "ledger", "route", "store"];
const VERBS: [&str; 5] = ["load", "check", "update", "price", "reserve"];
const COLOURS: [&str; 16] = [
    "amber", "black", "blue", "brown", "coral", "cream", "green", "grey", "indigo", "olive", "orange", "pink", "red",
    "silver", "white", "yellow",
];
const THINGS: [&str; 16] = [
    "basket", "bottle", "bucket", "candle", "carpet", "hammer", "jacket", "kettle", "ladder", "lantern", "mirror",
    "pillow", "saucer", "teapot", "trowel", "wallet",
];

/// Bits of a call's id that count the calls under one random prefix, as in the SDK.
const COUNTER_BITS: u32 = 24;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Call {
    /// The number of its trace, from 0.
    pub(super) trace: u64,
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    /// From 0 to below [`FUNCTIONS`], by how often they are called.
    pub(super) function: u16,
    /// From 0 to below [`INSTANCES`].
    pub(super) instance: u8,
    pub(super) thread: u8,
    pub(super) started_at_ns: i64,
    pub(super) duration_ns: u64,
    pub(super) failed: bool,
    pub(super) depth: u32,
    /// Its place among its parent's children.
    pub(super) position: u32,
    user: u32,
    item: u32,
    cents: u32,
}

impl Call {
    pub(super) fn ended_at_ns(&self) -> i64 {
        self.started_at_ns + self.duration_ns as i64
    }

    /// About 110 bytes.
    pub(super) fn args(&self, order: &str, into: &mut String) {
        into.clear();
        let [colour, thing] = self.words();
        let (user, number, whole, cents) = (self.user, self.item >> 8, self.cents / 100, self.cents % 100);
        // Writing to a text cannot fail.
        let _ = write!(
            into,
            r#"{{"user":{user},"order":"{order}","item":"{colour}-{thing}-{number:06}","amount":{whole}.{cents:02}}}"#
        );
    }

    /// About 40 bytes; nothing where it failed.
    pub(super) fn returned(&self, into: &mut String) -> bool {
        into.clear();
        let (whole, cents, items) = (self.cents / 81, self.cents % 97, self.user % 9 + 1);
        let _ = write!(into, r#"{{"total":{whole}.{cents:02},"items":{items},"status":"ok"}}"#);
        !self.failed
    }

    /// Whether it failed, and with what.
    pub(super) fn error(&self, into: &mut String) -> bool {
        into.clear();
        let [colour, thing] = self.words();
        let _ = write!(into, r#"{{"message":"no {colour} {thing} is left","type":"shop::OutOfStock"}}"#);
        self.failed
    }

    fn words(&self) -> [&'static str; 2] {
        [COLOURS[self.item as usize % 16], THINGS[self.item as usize / 16 % 16]]
    }
}

/// The id of a trace, by its number.
pub(super) fn trace_id(trace: u64) -> u128 {
    two_words(trace, 1)
}

/// The order that all calls of a trace are about: a GUID.
pub(super) fn order(trace: u64) -> String {
    guid(two_words(trace, 2))
}

fn two_words(trace: u64, salt: u64) -> u128 {
    let mut chance = Chance::of(SEED ^ trace.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt << 60);
    u128::from(chance.next()) << 64 | u128::from(chance.next())
}

/// A number as people write GUIDs.
pub(super) fn guid(number: u128) -> String {
    let digits = format!("{number:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// The path of a function.
pub(super) fn function(function: u16) -> String {
    let (service, inside) = (service_of(function), usize::from(function) / SERVICES.len());
    let (module, verb) = (MODULES[inside / VERBS.len()], VERBS[inside % VERBS.len()]);
    format!("{}::{module}::{verb}", SERVICES[service])
}

pub(super) fn file(function: u16) -> String {
    format!("src/{}.rs", MODULES[usize::from(function) / SERVICES.len() / VERBS.len()])
}

pub(super) fn line(function: u16) -> u32 {
    20 + u32::from(function) * 7
}

fn service_of(function: u16) -> usize {
    usize::from(function) % SERVICES.len()
}

/// The service of an instance.
pub(super) fn service(instance: u8) -> &'static str {
    SERVICES[usize::from(instance) % SERVICES.len()]
}

/// What people call an instance.
pub(super) fn instance(instance: u8) -> String {
    format!("{}-{}", service(instance), usize::from(instance) / SERVICES.len() + 1)
}

/// Half of the instances are of one class, half of the other.
pub(super) fn class(instance: u8) -> &'static str {
    if instance.is_multiple_of(2) { "blue" } else { "green" }
}

/// The calls of one hour after the other, by trace; within a trace in the order in which they ended.
#[derive(Debug)]
pub(super) struct Workload {
    traces: u64,
    next: u64,
    /// By instance and thread: the id its next call gets.
    ids: Vec<u64>,
    popularity: Popularity,
}

impl Workload {
    /// So many calls, rounded up to whole traces.
    pub(super) fn of(calls: u64) -> Self {
        let mut chance = Chance::of(SEED);
        let threads = usize::from(INSTANCES) * usize::from(THREADS);
        let ids = (0..threads).map(|_| chance.next() >> COUNTER_BITS << COUNTER_BITS | 1).collect();
        Self { traces: calls.div_ceil(CALLS_PER_TRACE), next: 0, ids, popularity: Popularity::new() }
    }

    pub(super) fn calls(&self) -> u64 {
        self.traces * CALLS_PER_TRACE
    }

    pub(super) fn hours(&self) -> u64 {
        self.calls().div_ceil(CALLS_PER_HOUR)
    }

    /// The next trace, instead of what stands there; `false` where there is none any more before `hour` is over.
    pub(super) fn next(&mut self, hour: u64, calls: &mut Vec<Call>) -> bool {
        calls.clear();
        let traces_per_hour = CALLS_PER_HOUR / CALLS_PER_TRACE;
        if self.next >= self.traces.min((hour + 1) * traces_per_hour) {
            return false;
        }
        let mut chance = Chance::of(SEED.wrapping_add(self.next.wrapping_mul(0xd134_2543_de82_ef95)));
        let instances: [u8; SERVICES.len()] = std::array::from_fn(|service| {
            (chance.below(u64::from(INSTANCES) / SERVICES.len() as u64) * SERVICES.len() as u64) as u8 + service as u8
        });
        let thread = chance.below(THREADS.into()) as u8;
        let root = self.root_starts_at_ns(&mut chance);
        for n in 0..CALLS_PER_TRACE {
            let parent = (n > 0).then(|| parent(n, calls, &mut chance));
            let call = self.call(root, parent.map(|at| calls[at]), &instances, thread, &mut chance);
            let siblings = calls.iter().filter(|other| other.parent.is_some() && other.parent == call.parent).count();
            let after_siblings = siblings as i64 * chance.below(30_000) as i64;
            calls.push(Call { position: siblings as u32, started_at_ns: call.started_at_ns + after_siblings, ..call });
        }
        calls.sort_by_key(Call::ended_at_ns);
        self.next += 1;
        true
    }

    /// Traces begin evenly over the time there is, each somewhere in its part of it.
    fn root_starts_at_ns(&self, chance: &mut Chance) -> i64 {
        let traces = self.traces.min(CALLS_PER_HOUR / CALLS_PER_TRACE);
        let (hour, within) = (self.next / traces, self.next % traces);
        let part_ns = HOUR_NS as u64 / traces;
        BEGINS_NS + hour as i64 * HOUR_NS + (within * part_ns + chance.below(part_ns)) as i64
    }

    fn call(
        &mut self,
        root_ns: i64,
        parent: Option<Call>,
        instances: &[u8; SERVICES.len()],
        thread: u8,
        chance: &mut Chance,
    ) -> Call {
        let stays = parent.filter(|_| !chance.one_in(LEAVES_ONE_IN));
        let function = self.popularity.draw(stays.map(|parent| service_of(parent.function)), chance);
        let instance = instances[service_of(function)];
        let id = &mut self.ids[usize::from(instance) * usize::from(THREADS) + usize::from(thread)];
        *id += 1;
        Call {
            trace: self.next,
            id: *id,
            parent: parent.map(|parent| parent.id),
            function,
            instance,
            thread,
            started_at_ns: parent.map_or(root_ns, |parent| parent.started_at_ns + 500 + chance.below(20_000) as i64),
            duration_ns: duration_ns(chance),
            failed: chance.one_in(200),
            depth: parent.map_or(0, |parent| parent.depth + 1),
            position: 0,
            user: chance.below(100_000) as u32,
            item: chance.below(256 * 1_000) as u32,
            cents: chance.below(1_000_000) as u32,
        }
    }
}

/// The place of call `n`'s parent: the first calls make a chain as deep as there are levels, the others hang anywhere.
fn parent(n: u64, calls: &[Call], chance: &mut Chance) -> usize {
    if n < u64::from(LEVELS) {
        return n as usize - 1;
    }
    loop {
        let at = chance.below(n) as usize;
        if calls[at].depth + 1 < LEVELS {
            return at;
        }
    }
}

/// Log-normal: half of all are below 200 µs, a sixth above 540 µs, a hundredth above 2 ms.
fn duration_ns(chance: &mut Chance) -> u64 {
    let part = |chance: &mut Chance| (chance.next() >> 11) as f64 / (1u64 << 53) as f64;
    let (radius, angle) = ((-2.0 * (1.0 - part(chance)).ln()).sqrt(), TAU * part(chance));
    (200_000.0 * (radius * angle.cos()).exp()) as u64
}

/// How often functions are called: the n-th most popular once where the first is called n times.
#[derive(Debug)]
struct Popularity {
    all: Vec<f64>,
    of_service: Vec<Vec<f64>>,
}

impl Popularity {
    fn new() -> Self {
        let of = |service| sums((0..FUNCTIONS).filter(move |&function| service_of(function) == service));
        Self { all: sums(0..FUNCTIONS), of_service: (0..SERVICES.len()).map(of).collect() }
    }

    /// A function, of any service or of this one.
    fn draw(&self, service: Option<usize>, chance: &mut Chance) -> u16 {
        let sums = service.map_or(&self.all, |service| &self.of_service[service]);
        let at = (chance.next() >> 11) as f64 / (1u64 << 53) as f64 * sums.last().copied().unwrap_or(0.0);
        let place = sums.partition_point(|&sum| sum <= at).min(sums.len() - 1);
        service.map_or(place, |service| place * SERVICES.len() + service) as u16
    }
}

/// Of each function how often it and those before it are called.
fn sums(functions: impl Iterator<Item = u16>) -> Vec<f64> {
    let mut sum = 0.0;
    let shares = functions.map(|function| 1.0 / f64::from(function + 1));
    shares.map(|share| (sum += share, sum).1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(calls: u64) -> Vec<Call> {
        let (mut workload, mut trace, mut all) = (Workload::of(calls), Vec::new(), Vec::new());
        for hour in 0..workload.hours() {
            while workload.next(hour, &mut trace) {
                all.extend(&trace);
            }
        }
        all
    }

    #[test]
    fn the_same_calls_are_made_each_time() {
        let calls = all(2_000);
        assert_eq!(calls.len(), 2_000);
        assert_eq!(calls, all(2_000));
        let mut ids: Vec<u64> = calls.iter().map(|call| call.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 2_000);
    }

    #[test]
    fn the_calls_are_as_the_page_says() {
        let calls = all(100_000);
        let share = |of: &dyn Fn(&Call) -> bool| calls.iter().filter(|call| of(call)).count() as f64 / 1e5;
        assert!((share(&|call| call.duration_ns < 200_000) - 0.5).abs() < 0.01);
        assert!((share(&|call| call.failed) - 0.005).abs() < 0.001);
        assert!((share(&|call| call.function == 0) / share(&|call| call.function == 1) - 2.0).abs() < 0.2);
        assert_eq!(calls.iter().map(|call| call.depth).max(), Some(3));
        assert!(calls.iter().all(|call| (BEGINS_NS..BEGINS_NS + HOUR_NS).contains(&call.started_at_ns)));
        let mut text = String::new();
        let mut length = |of: &dyn Fn(&Call, &mut String)| {
            calls.iter().map(|call| (of(call, &mut text), text.len()).1).sum::<usize>() as f64 / 1e5
        };
        assert!((length(&|call, text| call.args(&order(call.trace), text)) - 110.0).abs() < 5.0);
        assert!(
            (length(&|call, text| {
                call.returned(text);
            }) - 40.0)
                .abs()
                < 5.0
        );
    }

    #[test]
    fn an_hour_ends_where_the_next_begins() {
        let last = CALLS_PER_HOUR / CALLS_PER_TRACE - 1;
        let mut workload = Workload { next: last, ..Workload::of(CALLS_PER_HOUR + 2 * CALLS_PER_TRACE) };
        let mut trace = Vec::new();
        let mut hours_of = |hour| {
            let mut starts = Vec::new();
            while workload.next(hour, &mut trace) {
                starts.extend(trace.iter().filter(|call| call.parent.is_none()).map(|call| call.started_at_ns));
            }
            starts.iter().map(|start| (start - BEGINS_NS) / HOUR_NS).collect::<Vec<_>>()
        };
        assert_eq!([hours_of(0), hours_of(1), hours_of(2)], [vec![0], vec![1, 1], vec![]]);
    }

    #[test]
    fn parents_come_from_the_same_trace_and_a_level_above() {
        for trace in all(2_000).chunk_by(|a, b| a.trace == b.trace) {
            let of = |id| trace.iter().find(|call| Some(call.id) == id);
            assert_eq!(trace.iter().filter(|call| call.parent.is_none()).count(), 1);
            assert!(trace.iter().all(|call| call.parent.is_none() || of(call.parent).unwrap().depth + 1 == call.depth));
        }
    }
}
