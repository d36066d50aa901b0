//! Programs that do what is hard on a library: they fork, get signals, start thousands of threads, connect and
//! disconnect in any order. Each is a process of its own: this test's binary, started again. See `docs/safety.md`.
#![cfg(target_os = "linux")]

mod hub;

use std::ffi::c_int;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use glasshull::Guard;
use glasshull_wire::v1;
use hub::{PATIENCE, TestHub, probe};

/// Says what this process, started by a test, is to do.
const WHAT: &str = "GLASSHULL_TEST_CHILD";

/// How long a step of a program may take.
const SOON: Duration = Duration::from_secs(15);

unsafe extern "C" {
    fn fork() -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(code: c_int) -> !;
    fn signal(signal: c_int, handler: extern "C" fn(c_int)) -> usize;
    fn setitimer(which: c_int, new: *const [i64; 4], old: *mut [i64; 4]) -> c_int;
}

const SIGALRM: c_int = 14;
const ITIMER_REAL: c_int = 0;

#[glasshull::trace]
fn work(n: u64) -> u64 {
    n
}

/// Whether it is being captured; the probe on it is on.
#[glasshull::trace]
fn is_captured() -> bool {
    glasshull::Context::current().is_captured()
}

#[glasshull::trace]
fn in_handler(n: u64) -> u64 {
    n + 1
}

fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Such a program does nothing but captured calls: the governor would leave some out.
fn connected() -> Guard {
    let guard = glasshull::builder().cpu_budget(0.0).init();
    wait_until("the probe is on", is_captured);
    guard
}

/// The other process; as a test of its own it does nothing.
#[test]
fn program() {
    let Ok(what) = std::env::var(WHAT) else { return };
    match what.as_str() {
        "forks" => forks(),
        "gets_signals" => gets_signals(),
        "starts_threads" => starts_threads(),
        "connects_in_any_order" => connects_in_any_order(),
        other => panic!("{other}"),
    }
}

/// Runs such a program to its end.
#[track_caller]
fn run(what: &str) -> TestHub {
    let hub = TestHub::start();
    hub.first_probes(vec![v1::Probe { max_calls: 10_000_000, ..probe("children::*") }]);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "program", "--nocapture"])
        .env(WHAT, what)
        .env("GLASSHULL_HUB", hub.url())
        .env("GLASSHULL_SERVICE", what)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + 3 * PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{what}: {status}");
            return hub;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{what} does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Returned values of a function's calls, by process.
fn returned(hub: &TestHub, function: &str) -> Vec<u64> {
    let calls = hub.state().ended();
    let of = calls.iter().filter(|call| call.function.ends_with(function));
    of.filter_map(|call| call.returned.as_ref()?.parse().ok()).collect()
}

fn forks() {
    let guard = connected();
    work(1);
    // Another thread captures all the time: whatever it holds locked at the fork stays locked in the child.
    let done = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&done);
    let busy = std::thread::spawn(move || {
        while !until.load(Ordering::Relaxed) {
            (0..10).for_each(|n| assert_eq!(in_handler(n), n + 1));
            std::thread::sleep(Duration::from_micros(500));
        }
    });
    for _ in 0..20 {
        // SAFETY: the child does only what is tested here, and ends without running anything of the parent's.
        let child = unsafe { fork() };
        if child == 0 {
            let held_up = Instant::now();
            let code = in_the_child(&guard);
            let code = if held_up.elapsed() < SOON { code } else { 9 };
            // SAFETY: as above.
            unsafe { _exit(code) };
        }
        let mut status = 0;
        // SAFETY: it is a child of this process; the status is written here.
        assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child ended with {}", status >> 8);
    }
    work(2);
    done.store(true, Ordering::Relaxed);
    busy.join().unwrap();
    let is_fine = is_captured();
    drop(guard);
    assert!(is_fine, "the parent goes on as before");
}

fn in_the_child(guard: &Guard) -> c_int {
    // Nothing is captured, and nothing waits for a sender that is not there.
    let took = Instant::now();
    if (0..100_000).any(|n| work(n + 1_000) != n + 1_000) || is_captured() {
        return 1;
    }
    if guard.is_on() || guard.flush(SOON) || took.elapsed() > SOON / 2 {
        return 2;
    }
    // SAFETY: a second guard of the same parts, dropped once here; the first is left to the parent's code.
    drop(unsafe { std::ptr::read(guard) });
    // A child may connect for itself.
    let own = glasshull::init();
    if !own.is_on() {
        return 3;
    }
    let deadline = Instant::now() + SOON;
    while !is_captured() {
        if Instant::now() > deadline {
            return 4;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    work(u64::from(std::process::id()) << 32);
    let sent = own.flush(SOON);
    drop(own);
    if sent { 0 } else { 5 }
}

#[test]
fn a_forked_child_captures_nothing_waits_for_nothing_and_may_connect_itself() {
    let hub = run("forks");
    let mut numbers = returned(&hub, "::work");
    numbers.sort_unstable();
    assert_eq!(numbers[..2], [1, 2]);
    let of_children: Vec<u64> = numbers[2..].iter().map(|number| number >> 32).collect();
    assert_eq!(of_children.len(), 20, "one call of each child: {numbers:?}");
    let state = hub.state();
    let instances: std::collections::BTreeSet<_> =
        state.hellos.iter().map(|hello| hello.instance.clone().unwrap()).map(|i| (i.instance_id, i.pid)).collect();
    assert_eq!(instances.len(), 21, "each is an instance of its own");
    let roots = state.ended().into_iter().filter(|call| call.parent_id.is_none());
    let ids: Vec<_> = roots.map(|call| (call.trace_id, call.call_id)).collect();
    let different: std::collections::HashSet<_> = ids.iter().map(|(trace, _)| trace).collect();
    assert_eq!(different.len(), ids.len(), "a child must not repeat its parent's ids");
}

static SIGNALS: AtomicU64 = AtomicU64::new(0);

extern "C" fn handle(_signal: c_int) {
    let n = SIGNALS.fetch_add(1, Ordering::Relaxed);
    // What a handler may do at all is very little; a traced function that takes numbers is no more.
    if in_handler(n) != n + 1 {
        // SAFETY: ends the process at once.
        unsafe { _exit(8) };
    }
}

fn gets_signals() {
    let guard = connected();
    // The thread has all it needs to capture: nothing is allocated in the handler.
    (0..100).for_each(|n| assert_eq!(in_handler(n), n + 1));
    let each_100_us: [i64; 4] = [0, 100, 0, 100];
    let never: [i64; 4] = [0; 4];
    // SAFETY: the handler does what handlers may; the timer's interval and first expiry are seconds and microseconds.
    unsafe {
        signal(SIGALRM, handle);
        setitimer(ITIMER_REAL, &raw const each_100_us, std::ptr::null_mut());
    }
    let deadline = Instant::now() + SOON;
    let mut n = 0;
    while SIGNALS.load(Ordering::Relaxed) < 3_000 && Instant::now() < deadline {
        n += 1;
        assert_eq!(work(n), n);
        // Not so much that its ring is always full.
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_micros(20) {}
    }
    // SAFETY: as above.
    unsafe { setitimer(ITIMER_REAL, &raw const never, std::ptr::null_mut()) };
    assert!(SIGNALS.load(Ordering::Relaxed) >= 1_000, "hardly a signal came");
    assert!(guard.flush(SOON));
    drop(guard);
}

#[test]
fn a_signal_handler_may_call_traced_functions() {
    let hub = run("gets_signals");
    let calls = hub.state().ended();
    assert!(calls.iter().any(|call| call.function.ends_with("::work")));
    let by_id: std::collections::HashMap<u64, &hub::Call> = calls.iter().map(|call| (call.call_id, call)).collect();
    // Whatever was interrupted: numbers are whole, and a handler's call stands where it was made.
    for call in &calls {
        let given = call.args.trim_start_matches(r#"{"n":"#).trim_end_matches('}').parse::<u64>();
        // Where the ring was full there is an end without its value.
        let returned = call.returned.as_ref().map(|returned| returned.parse::<u64>());
        match call.function.rsplit("::").next() {
            Some("work") => assert!(returned.is_none_or(|returned| returned == given)),
            Some("in_handler") => assert!(returned.is_none_or(|returned| returned == given.map(|n| n + 1))),
            _ => {}
        }
        if let Some(parent) = call.parent_id.and_then(|parent| by_id.get(&parent)) {
            assert_eq!(parent.trace_id, call.trace_id);
        }
    }
}

/// Memory of this process that is in use, in bytes.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

fn starts_threads() {
    let guard = connected();
    let before = resident();
    let mut most = 0;
    for round in 0..100 {
        std::thread::scope(|scope| {
            for i in 0..100 {
                std::thread::Builder::new()
                    .stack_size(64 * 1024)
                    .spawn_scoped(scope, move || work(round * 100 + i))
                    .unwrap();
            }
        });
        most = most.max(resident());
        // As fast as a program starts threads that do something: the sender comes to its turn.
        assert!(guard.flush(SOON));
    }
    let grew = most.saturating_sub(before);
    assert!(grew < 96 * 1024 * 1024, "{} MiB", grew >> 20);
    drop(guard);
}

#[test]
fn ten_thousand_threads_are_captured_within_the_memory_that_is_allowed() {
    let hub = run("starts_threads");
    let mut numbers = returned(&hub, "::work");
    numbers.sort_unstable();
    assert!(numbers == (0..10_000).collect::<Vec<_>>(), "{} of 10,000", numbers.len());
}

fn connects_in_any_order() {
    // Before the first init.
    assert!(work(1) == 1 && !is_captured());
    assert!(!glasshull::Context::current().is_captured());
    let first = connected();
    let second = glasshull::init();
    assert!(first.is_on() && !second.is_on());
    // The second is off: dropping it ends nothing.
    drop(second);
    assert!(is_captured());
    work(2);
    // Dropped on another thread, while calls are under way here.
    let ends = std::thread::spawn(move || drop(first));
    wait_until("it is off", || !is_captured());
    ends.join().unwrap();
    assert!(work(3) == 3 && !is_captured());
    // Again, and two more of their own kind, dropped in the order of their making and inside each other's scopes.
    let again = connected();
    let (a, b) = (glasshull::builder().start().unwrap(), glasshull::builder().start().unwrap());
    let (in_a, in_b) = (a.context(), b.context());
    in_a.clone().in_scope(|| {
        in_b.clone().in_scope(|| drop(a));
        work(4);
        drop(b);
        in_b.in_scope(|| work(5));
    });
    assert!(is_captured());
    work(6);
    std::mem::forget(glasshull::init());
    drop(again);
    assert!(work(7) == 7 && !is_captured());
    in_a.in_scope(|| work(8));
}

#[test]
fn programs_may_connect_and_disconnect_in_any_order() {
    let hub = run("connects_in_any_order");
    let mut numbers = returned(&hub, "::work");
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 6]);
}
