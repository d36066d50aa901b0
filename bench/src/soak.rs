//! A program under load while everything around it goes wrong: its hub is killed, slow, deaf, loses and refuses batches,
//! and probes come and go, all by chance and by a seed. In the end every answer of the program was right, its memory stayed
//! within bounds, and each call that it knows to have been captured is stored once or counted as lost.
//!
//! Unlike the other benches this one passes or fails.

mod hub;
mod ledger;
mod program;
mod work;

use std::process::{ChildStdin, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use glasshull_wire::v1;

use crate::chance::Chance;
use hub::{Fate, Hub, Stored};
use ledger::Ledger;
pub(crate) use program::be_soaked;

use crate::Outcome;
use crate::killed::Killed;
use crate::report::{Report, Row};

/// What may wait for the hub, in bytes: little, so that it is used up now and then.
pub(crate) const BUFFER_BYTES: usize = 512 * 1024;

/// What the program may grow by once it is warm, in MiB: the buffer, a ring for each thread there is or was a moment ago,
/// calls under way (16 MiB), and what the allocator keeps of all that.
const MOST_GROWTH_MIB: f64 = 40.0;

/// How long the program warms up before its memory is looked at.
const WARM_UP: Duration = Duration::from_secs(3);

/// Between two turns of fate.
const SHORTEST_TURN: Duration = Duration::from_millis(30);
const LONGEST_TURN: Duration = Duration::from_millis(800);

/// How long the program may take to bring the rest, with what it waits before it connects again (30 s at most).
const PATIENCE: Duration = Duration::from_secs(90);

/// What is probed when, besides what never is: as long as there is any probe, reports come.
const PATTERNS: &[&str] = &["*::traced::*", "*::traced::branch", "*::traced::visit", "*::traced::deliver", "*::wait"];

/// Soaks for so long.
pub(crate) fn measure(length: Duration) -> Outcome<Report> {
    let seed = std::env::var("SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let hub = Hub::start(seed)?;
    let mut program = Program::start(seed, &hub)?;
    let mut chance = Chance::of(seed);
    hub.fare(|fate| fate.loses_one_in = 6);
    let (began, mut turns, mut first, mut most) = (Instant::now(), Turns::default(), None, 0.0f64);
    while began.elapsed() < length {
        turns.turn(&hub, &mut chance);
        std::thread::sleep(chance.between(SHORTEST_TURN, LONGEST_TURN));
        program.check()?;
        if began.elapsed() > WARM_UP.min(length / 3) {
            let now = program.resident_mib()?;
            first.get_or_insert(now);
            most = most.max(now);
        }
    }
    turns.calm(&hub);
    let ledger = program.close()?;
    settle(&hub, &ledger);
    program.end()?;
    let stored = hub.stored().clone();
    let growth = most - first.unwrap_or(most);
    Ok(Report::new("soak", rows(&ledger, &stored, growth, &turns)))
}

/// Waits until nothing is missing, or patience is over.
fn settle(hub: &Hub, ledger: &Ledger) {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let stored = hub.stored().clone();
        if Balance::of(ledger, &stored).is_even() {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What became of the calls the program knows to have been captured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Balance {
    captured: i64,
    stored: i64,
    twice: i64,
    /// Stored, and never captured.
    strange: i64,
    /// Captured, and lost for a reason that is counted.
    lost: i64,
    /// Of those, what the hub refused without the program hearing of it.
    unheard: i64,
}

impl Balance {
    fn of(ledger: &Ledger, stored: &Stored) -> Self {
        let mut ids = stored.ended.clone();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        let strange = ids.iter().filter(|id| ledger.ids.binary_search(id).is_err()).count();
        let mut refused = stored.refused.clone();
        refused.sort_unstable();
        refused.dedup();
        refused.retain(|id| ids.binary_search(id).is_err());
        let drops = stored.report.drops.unwrap_or_default();
        // What the hub refused it counts itself: a program that loses the connection before it hears of it takes the batch
        // for stored once a later one is.
        let refused = refused.len() as u64;
        // A full ring (`ring_full`, `no_ring`) is met before a call is captured: those the program does not know of.
        let lost = [drops.buffer_full, refused, drops.open_full, drops.unclaimed].iter().sum::<u64>();
        Self {
            captured: ledger.ids.len() as i64,
            stored: ids.len() as i64,
            twice: (all - ids.len()) as i64,
            strange: strange as i64,
            lost: lost as i64,
            unheard: refused as i64 - drops.refused as i64,
        }
    }

    fn unknown(&self) -> i64 {
        self.captured - self.stored + self.strange - self.lost
    }

    fn is_even(&self) -> bool {
        self.unknown() == 0 && self.twice == 0 && self.strange == 0
    }
}

fn rows(ledger: &Ledger, stored: &Stored, growth: f64, turns: &Turns) -> Vec<Row> {
    let balance = Balance::of(ledger, stored);
    let drops = stored.report.drops.unwrap_or_default();
    let row = |what: &str, value: i64, unit| Row::new(what, value as f64, unit);
    let none = |what: &str, value: i64, unit| Row { goal: Some(0.0), ..row(what, value.abs(), unit) };
    let known = |what: &str, value: u64, unit| row(what, value as i64, unit);
    vec![
        known("requests", ledger.requests, "requests"),
        none("wrong answers", ledger.wrong as i64, "requests"),
        row("calls captured, as the program knows", balance.captured, "calls"),
        row("stored", balance.stored, "calls"),
        none("stored twice", balance.twice, "calls"),
        none("stored and never captured", balance.strange, "calls"),
        known("lost: the buffer was full", drops.buffer_full, "calls"),
        known("lost: the hub refused them", drops.refused, "calls"),
        row("lost: the hub refused them, unheard", balance.unheard, "calls"),
        known("lost: too many under way", drops.open_full, "calls"),
        known("lost: their probe was gone", drops.unclaimed, "calls"),
        none("captured, of which nothing is known", balance.unknown(), "calls"),
        known("not captured: a ring was full", drops.ring_full + drops.no_ring, "calls"),
        none("batches that could not be read", stored.wrong.len() as i64, "batches"),
        Row { goal: Some(BUFFER_BYTES as f64), ..known("most that waited for the hub", stored.most_buffered, "bytes") },
        Row { goal: Some(MOST_GROWTH_MIB), ..Row::new("memory grown by at most", growth, "MiB") },
        known("times the hub was killed", turns.killed, "times"),
        known("sessions", stored.sessions, "sessions"),
        known("batches sent again", stored.repeated, "batches"),
        known("probes switched", turns.switched, "times"),
        known("seen while they ran", stored.running, "calls"),
    ]
}

/// What happened so far.
#[derive(Debug, Default)]
struct Turns {
    killed: u64,
    switched: u64,
}

impl Turns {
    /// One thing changes.
    fn turn(&mut self, hub: &Hub, chance: &mut Chance) {
        match chance.below(10) {
            0..=3 => self.switch(hub, chance),
            4 => {
                self.killed += 1;
                hub.fare(|fate| fate.is_down = true);
            }
            5 | 6 => hub.fare(|fate| fate.is_down = false),
            7 => {
                let delay = chance.between(Duration::ZERO, Duration::from_millis(40));
                hub.fare(|fate| fate.delay = delay);
            }
            8 => {
                let (loses, refuses) = (chance.below(3) * 4, chance.below(3) * 10);
                hub.fare(|fate| (fate.loses_one_in, fate.refuses_one_in) = (loses, refuses));
            }
            _ => {
                let wait = chance.below(100) as u32;
                hub.fare(|fate| (fate.wait_ms, fate.delay, fate.is_down) = (wait, Duration::ZERO, false));
            }
        }
    }

    /// Each of the probes is on or off, anew or as it was.
    fn switch(&mut self, hub: &Hub, chance: &mut Chance) {
        self.switched += 1;
        let turn = self.switched;
        let mut probes = vec![probe("nothing", "nothing::matches", 1)];
        for pattern in PATTERNS {
            if chance.one_in(2) {
                continue;
            }
            // The same name means the same probe, which goes on; another one begins anew.
            let name = if chance.one_in(3) { format!("{pattern} {turn}") } else { (*pattern).to_owned() };
            let sample_one_in = 1 + chance.below(2) as u32 * 2;
            let condition = chance.one_in(2).then(always);
            let limits = chance.one_in(2).then(|| limits(chance));
            probes.push(v1::Probe { condition, limits, ..probe(&name, pattern, sample_one_in) });
        }
        hub.fare(|fate| fate.probes = v1::Probes { revision: turn, probes });
    }

    /// All is well again, and nothing is probed.
    fn calm(&mut self, hub: &Hub) {
        self.switched += 1;
        let probes = v1::Probes { revision: self.switched, probes: vec![probe("nothing", "nothing::matches", 1)] };
        hub.fare(|fate| *fate = Fate { probes, ..Fate::default() });
    }
}

fn probe(name: &str, pattern: &str, sample_one_in: u32) -> v1::Probe {
    v1::Probe {
        probe_id: name.into(),
        patterns: vec![pattern.into()],
        remaining_ns: Duration::from_secs(3_600).as_nanos() as u64,
        max_calls: u64::MAX,
        max_calls_per_second: u32::MAX,
        sample_one_in,
        owner: "soak".into(),
        ..Default::default()
    }
}

/// A condition that has to be looked at for each call, and lets all through, so that the count stays a plain one.
fn always() -> v1::Condition {
    let duration = v1::Comparison {
        subject: v1::Subject::Duration as i32,
        operator: v1::Operator::Ge as i32,
        values: vec![v1::Literal { value: Some(v1::literal::Value::Integer(0)) }],
        ..v1::Comparison::default()
    };
    v1::Condition { kind: Some(v1::condition::Kind::Comparison(duration)) }
}

/// From next to nothing up to all that may be asked for.
fn limits(chance: &mut Chance) -> v1::ValueLimits {
    let mut up_to = |most: u64| 1 + chance.below(most) as u32;
    v1::ValueLimits { bytes: up_to(16_384), depth: up_to(32), items: up_to(1_024), text_bytes: up_to(16_384) }
}

/// The program, killed when it is dropped.
struct Program {
    child: Killed,
    told: Option<ChildStdin>,
    ledger: Option<JoinHandle<std::io::Result<Ledger>>>,
}

impl Program {
    fn start(seed: u64, hub: &Hub) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["soaked", &seed.to_string()]).env("GLASSHULL_HUB", hub.address());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("the program has no output")?;
        let ledger = Some(std::thread::spawn(move || Ledger::read(stdout)));
        Ok(Self { told: child.stdin.take(), child: Killed(child), ledger })
    }

    /// It runs.
    fn check(&mut self) -> Outcome {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("the program ended early: {status}").into()),
        }
    }

    fn resident_mib(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("its memory is not told")?.parse::<f64>()? / 1024.0)
    }

    /// No more requests: what it knows of those it made.
    fn close(&mut self) -> Outcome<Ledger> {
        use std::io::Write;
        self.told.as_mut().ok_or("it is closed")?.write_all(b"!")?;
        let ledger = self.ledger.take().ok_or("it is closed")?;
        let deadline = Instant::now() + PATIENCE;
        while !ledger.is_finished() {
            if Instant::now() > deadline {
                return Err("The program does not come to an end.".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(ledger.join().map_err(|_| "the ledger cannot be read")??)
    }

    fn end(mut self) -> Outcome {
        drop(self.told.take());
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the program ends with {status}").into()),
                None if Instant::now() > deadline => return Err("The program does not end.".into()),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_missing_strange_or_there_twice_is_found() {
        let ledger = Ledger { ids: vec![1, 2, 3], ..Ledger::default() };
        let balance = |ended: &[u64], buffer_full| {
            let drops = Some(v1::Drops { buffer_full, ..v1::Drops::default() });
            let report = v1::Report { drops, ..v1::Report::default() };
            let mut stored = Stored { report, ..Stored::default() };
            stored.ended.extend(ended);
            Balance::of(&ledger, &stored)
        };
        assert!(balance(&[3, 1, 2], 0).is_even() && balance(&[3, 1], 1).is_even());
        assert_eq!(balance(&[3, 1], 0).unknown(), 1);
        assert_eq!(balance(&[3, 1, 2, 1], 0).twice, 1);
        assert_eq!(balance(&[3, 1, 2, 9], 0).strange, 1);
        assert!(!balance(&[3, 1, 9], 1).is_even());
        let refused = Stored { ended: vec![1, 2], refused: vec![3, 2, 3], ..Stored::default() };
        assert!(Balance::of(&ledger, &refused).is_even(), "what was refused and then stored is stored");
    }
}
