//! Whole lives of a store, each driven by a seed: instances that send, late, again and out of order; publications, merges,
//! retention, questions, all at once or one after the other; disk, object store and catalog that fail by chance; a clock
//! that is set wrong and right; and the power, which goes at any step. After each step an auditor who knows every call
//! looks at what there is ([`audit`]).
//!
//! A seed that fails is printed with what happened and with the command that runs it alone:
//!
//! ```text
//! GLASSHULL_SEED=17 cargo test --profile quick -p glasshull-store tests::simulation
//! GLASSHULL_SEEDS=100000 cargo test --profile quick -p glasshull-store tests::simulation
//! ```

mod audit;
mod senders;
mod world;

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use self::world::World;

/// Lives in an ordinary run of the tests: a minute of one core.
const SEEDS: u64 = 1_000;

/// How long a life may take: many times what it does.
const WITHIN: Duration = Duration::from_secs(120);

/// A life that fails, told when its thread gives up.
struct Told {
    seed: u64,
    happened: Mutex<Vec<String>>,
}

impl Told {
    fn note(&self, what: String) {
        self.happened.lock().unwrap().push(what);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, happened } = self;
            let happened = happened.get_mut().unwrap().join("\n  ");
            eprintln!(
                "seed {seed} fails:\n  {happened}\n\
                 GLASSHULL_SEED={seed} cargo test --profile quick -p glasshull-store tests::simulation"
            );
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    Some(std::env::var(variable).ok()?.parse().unwrap_or_else(|e| panic!("{variable}: {e}")))
}

fn seeds() -> Range<u64> {
    number("GLASSHULL_SEED").map_or(0..number("GLASSHULL_SEEDS").unwrap_or(SEEDS), |seed| seed..seed + 1)
}

fn live(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let told = Told { seed, happened: Mutex::default() };
        let life = async {
            let mut world = World::new(seed, &told).await;
            world.live().await;
            world.end().await;
        };
        tokio::time::timeout(WITHIN, life).await.expect("a life comes to its end");
    });
}

#[test]
fn whatever_fails_when_each_acknowledged_call_is_there_once() {
    let (next, failed) = (AtomicU64::new(seeds().start), Mutex::new(Vec::new()));
    let work = || {
        // One that fails says enough.
        while let seed @ 0.. = next.fetch_add(1, Relaxed)
            && seeds().contains(&seed)
            && failed.lock().unwrap().is_empty()
        {
            if std::panic::catch_unwind(AssertUnwindSafe(|| live(seed))).is_err() {
                failed.lock().unwrap().push(seed);
            }
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            threads.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "seeds that fail: {failed:?}");
}
