//! How programs end: whatever they do with the guard, they end, and soon.

mod hub;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hub::{TestHub, probe};

/// Says which end this process, started by a test, is to take.
const END: &str = "GLASSHULL_TEST_END";

#[glasshull::trace]
fn work(n: u32) -> u32 {
    n
}

struct WorksWhenDropped;

impl Drop for WorksWhenDropped {
    fn drop(&mut self) {
        work(99);
    }
}

thread_local! {
    static LATE: WorksWhenDropped = const { WorksWhenDropped };
}

/// The other process; as a test of its own it does nothing.
#[test]
fn program() {
    let Ok(end) = std::env::var(END) else { return };
    let guard = glasshull::init();
    // The probe is on when calls come to be captured.
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline && !captures() {
        std::thread::sleep(Duration::from_millis(5));
    }
    match end.as_str() {
        "dropped" => drop(guard),
        "forgotten" => std::mem::forget(guard),
        "exit" => std::process::exit(7),
        "destructors" => {
            std::thread::spawn(|| {
                LATE.with(|_| ());
                work(1);
            })
            .join()
            .unwrap();
            LATE.with(|_| ());
        }
        other => panic!("{other}"),
    }
}

#[glasshull::trace]
fn captures() -> bool {
    glasshull::Context::current().is_captured()
}

#[track_caller]
fn ends(end: &str) -> (Option<i32>, TestHub) {
    let hub = TestHub::start();
    hub.first_probes(vec![probe("work"), probe("captures")]);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "program", "--nocapture"])
        .env(END, end)
        .env("GLASSHULL_HUB", hub.url())
        .env("GLASSHULL_SERVICE", "exits")
        .env("GLASSHULL_TAGS", "zone=a, rack=7")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + hub::PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), hub);
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_dropped_guard_brings_everything_to_the_hub() {
    let (code, hub) = ends("dropped");
    assert_eq!(code, Some(0));
    let calls = hub.calls(1);
    assert!(calls.iter().any(|call| call.returned.as_deref() == Some("true")));
    hub.wait("goodbye", |state| (state.goodbyes == 1).then_some(()));
    let instance = hub.state().hellos[0].instance.clone().unwrap();
    assert_eq!(instance.service, "exits");
    assert_eq!(instance.tags, [("rack".into(), "7".into()), ("zone".into(), "a".into())].into());
}

#[test]
fn a_forgotten_guard_does_not_hold_the_program() {
    assert_eq!(ends("forgotten").0, Some(0));
}

#[test]
fn an_exit_is_not_held_up() {
    assert_eq!(ends("exit").0, Some(7));
}

#[test]
fn calls_from_destructors_of_ending_threads_do_no_harm() {
    assert_eq!(ends("destructors").0, Some(0));
}
