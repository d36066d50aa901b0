//! The program that is soaked: threads that come and go, tasks, and bursts, all answers checked.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::BUFFER_BYTES;
use super::ledger;
use super::work::{PLANNED, Parcel, plain, traced};
use crate::Outcome;
use crate::chance::Chance;

/// Threads at a time, and requests of each before it ends and another takes its place.
const THREADS: u64 = 3;
const REQUESTS_OF_A_THREAD: u64 = 400;

/// Tasks that make requests.
const TASKS: u64 = 6;

/// Requests without a pause, now and then: more than a ring takes.
const BURST: u64 = 300;

/// How long the end may take.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Tally {
    ends: AtomicBool,
    requests: AtomicU64,
    wrong: AtomicU64,
}

/// Works until a byte comes on standard input; then closes the ledger, stays until standard input closes, and ends.
pub(crate) fn be_soaked(seed: &str) -> Outcome {
    let seed: u64 = seed.parse()?;
    keep_quiet_about_planned_panics();
    let builder = glasshull::builder().service("soaked").buffer_bytes(BUFFER_BYTES).flush_within(FLUSH_WITHIN);
    // The governor would spend most of the time recovering: capturing is all this process does.
    let guard = builder.cpu_budget(0.0).report_to(|_| {}).init();
    let tally = Arc::<Tally>::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (tally, mut chance) = (tally.clone(), Chance::of(seed ^ number));
            std::thread::spawn(move || live_and_die(&tally, &mut chance))
        })
        .collect();
    let tasks: Vec<_> =
        (0..TASKS).map(|number| runtime.spawn(visit_often(tally.clone(), seed ^ (number << 32)))).collect();
    let mut told = [0];
    let read = std::io::stdin().read(&mut told)?;
    tally.ends.store(true, Ordering::Release);
    let threads_failed = threads.into_iter().filter_map(|thread| thread.join().err()).count();
    let tasks_failed = tasks.into_iter().filter_map(|task| runtime.block_on(task).err()).count();
    let wrong = tally.wrong.load(Ordering::Acquire) + (threads_failed + tasks_failed) as u64;
    ledger::close(tally.requests.load(Ordering::Acquire), wrong);
    while read > 0 && std::io::stdin().read(&mut told)? > 0 {}
    drop(guard);
    Ok(())
}

fn keep_quiet_about_planned_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&PLANNED) {
            before(panic);
        }
    }));
}

/// Thread after thread.
fn live_and_die(tally: &Arc<Tally>, chance: &mut Chance) {
    while !tally.ends.load(Ordering::Acquire) {
        let (tally, mut own) = (tally.clone(), Chance::of(chance.next()));
        let life = std::thread::spawn(move || {
            for _ in 0..REQUESTS_OF_A_THREAD {
                if tally.ends.load(Ordering::Acquire) {
                    break;
                }
                let together = if own.one_in(200) { BURST } else { 1 };
                (0..together).for_each(|_| deliver_once(&tally, &mut own));
                std::thread::sleep(own.between(Duration::ZERO, Duration::from_millis(8)));
            }
        });
        assert!(life.join().is_ok(), "no panic leaves a request");
    }
}

fn deliver_once(tally: &Tally, chance: &mut Chance) {
    let parcel = Parcel::numbered(chance.below(1_000_000));
    let is_right = traced::deliver(&parcel) == plain::deliver(&parcel);
    tally.count(is_right);
}

async fn visit_often(tally: Arc<Tally>, seed: u64) {
    let mut chance = Chance::of(seed);
    while !tally.ends.load(Ordering::Acquire) {
        let n = chance.below(1_000_000);
        let is_right = traced::visit(n).await == plain::visit(n).await;
        tally.count(is_right);
    }
}

impl Tally {
    fn count(&self, is_right: bool) {
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.wrong.fetch_add(u64::from(!is_right), Ordering::AcqRel);
    }
}
