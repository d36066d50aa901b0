//! Hubs that are absent, slow, silent, wrong or gone: the program is not affected, and what was captured arrives once.

mod hub;

use std::collections::HashSet;
use std::io::Read as _;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use glasshull::{Builder, Guard, builder};
use glasshull_wire::Message as _;
use glasshull_wire::v1::{self, ProbeState};
use hub::{PATIENCE, TestHub, probe};

#[glasshull::trace]
fn work(n: u64) -> u64 {
    n
}

#[glasshull::trace]
fn payload(n: u64) -> String {
    format!("{n:0>900}")
}

#[glasshull::trace]
fn is_on() -> bool {
    glasshull::Context::current().is_captured()
}

struct CallsWhenPrinted;

impl std::fmt::Debug for CallsWhenPrinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", work(5))
    }
}

struct FailsWhenPrinted;

impl std::fmt::Debug for FailsWhenPrinted {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Err(std::fmt::Error)
    }
}

#[glasshull::trace]
fn takes(calls: &CallsWhenPrinted, fails: &FailsWhenPrinted, long: &str) {
    let _ = (calls, fails, long);
}

/// A test does nothing but captured calls: the governor would leave some out.
fn settings(hub: &TestHub) -> Builder {
    builder().hub(hub.url()).service("test").cpu_budget(0.0).flush_within(PATIENCE)
}

fn agent(hub: &TestHub) -> Guard {
    settings(hub).start().unwrap()
}

/// Numbers captured by `work`, in order.
fn numbers(hub: &TestHub) -> Vec<u64> {
    let calls = hub.state().ended();
    let mut numbers: Vec<u64> = calls.iter().map(|call| call.returned.as_ref().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn what_was_not_acknowledged_is_sent_again_and_kept_once() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("work")]);
    for round in 0..5 {
        hub.faults().no_acks.store(round % 2 == 0, Ordering::Relaxed);
        agent.context().in_scope(|| (0..100).for_each(|i| assert_eq!(work(round * 100 + i) / 100, round)));
        agent.flush(Duration::from_millis(150));
        hub.faults().no_acks.store(false, Ordering::Relaxed);
        let greeted = hub.state().hellos.len();
        hub.cut();
        hub.wait("the program comes back", |state| (state.hellos.len() > greeted).then_some(()));
    }
    assert!(agent.flush(PATIENCE));
    assert_eq!(numbers(&hub), (0..500).collect::<Vec<_>>());
    let batches = hub.state().batches.clone();
    assert!(batches.is_sorted() && batches.windows(2).all(|pair| pair[1] == pair[0] + 1), "{batches:?}");
    let ids: Vec<_> = hub.state().hellos.iter().map(|hello| hello.instance.clone().unwrap().instance_id).collect();
    assert!(ids.len() > 3 && ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn a_program_that_is_over_soon_waits_for_the_hubs_probes() {
    let hub = TestHub::start();
    hub.first_probes(vec![probe("work")]);
    let agent = agent(&hub);
    assert!(agent.wait_for_probes(PATIENCE));
    agent.context().in_scope(|| assert_eq!(work(7), 7));
    assert!(agent.flush(PATIENCE));
    assert_eq!(numbers(&hub), [7]);
}

#[test]
fn a_hub_that_never_comes_costs_nothing_and_holds_nobody_up() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&warnings);
    let agent = builder()
        .hub(format!("http://{closed}"))
        .flush_within(Duration::from_millis(300))
        .report_to(move |warning| told.lock().unwrap().push(warning.to_owned()))
        .start()
        .unwrap();
    let started = Instant::now();
    agent.context().in_scope(|| (0..100_000).for_each(|n| assert_eq!(work(n), n)));
    assert!(!agent.wait_for_probes(Duration::from_millis(400)));
    drop(agent);
    assert!(started.elapsed() < Duration::from_secs(5));
    let warnings = warnings.lock().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("cannot be used"), "{warnings:?}");
}

#[test]
fn a_hub_that_accepts_and_never_speaks_holds_nobody_up() {
    let hub = TestHub::start();
    hub.faults().mute.store(true, Ordering::Relaxed);
    let agent = settings(&hub).flush_within(Duration::from_millis(300)).start().unwrap();
    agent.context().in_scope(|| (0..1_000).for_each(|n| assert_eq!(work(n), n)));
    let started = Instant::now();
    assert!(!agent.flush(Duration::from_millis(200)) || hub.state().batches.is_empty());
    drop(agent);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn a_hub_that_never_acknowledges_fills_a_bounded_buffer_and_losses_are_counted() {
    let hub = TestHub::start();
    hub.faults().no_acks.store(true, Ordering::Relaxed);
    let agent = settings(&hub).buffer_bytes(20_000).flush_within(Duration::from_millis(200)).start().unwrap();
    hub.probe(vec![probe("payload")]);
    let context = agent.context();
    let lost =
        |state: &hub::State| state.reports.last().and_then(|report| report.drops).map_or(0, |drops| drops.buffer_full);
    let deadline = Instant::now() + PATIENCE;
    while lost(&hub.state()) == 0 {
        assert!(Instant::now() < deadline);
        context.in_scope(|| (0..50).for_each(|n| assert_eq!(payload(n).len(), 900)));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(hub.state().reports.iter().all(|report| report.buffered_bytes <= 20_000));
    hub.faults().no_acks.store(false, Ordering::Relaxed);
    hub.cut();
    assert!(agent.flush(PATIENCE));
    assert!(!hub.state().batches.is_empty());
}

#[test]
fn what_was_cut_or_failed_or_left_out_is_counted_with_the_probe() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("takes"), probe("work")]);
    agent.context().in_scope(|| {
        takes(&CallsWhenPrinted, &FailsWhenPrinted, "short");
        takes(&CallsWhenPrinted, &FailsWhenPrinted, &"long".repeat(1_000));
    });
    assert!(agent.flush(PATIENCE));
    let report = hub.report("takes", |report| report.captured == 2);
    assert_eq!((report.truncated_calls, report.failed_values, report.printed_values), (1, 2, 2));
    assert_eq!(report.printed_at, "faults::takes(calls)");
    let last = hub.state().reports.last().cloned().unwrap();
    assert!(last.drops.unwrap().inside_values >= 2, "{last:?}");
    assert!(last.sender_cpu_ns > 0, "{last:?}");
    assert!(hub.state().ended().iter().all(|call| call.function.ends_with("takes")));
}

#[test]
fn a_refused_batch_is_counted_and_the_rest_goes_on() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.faults().refuse.store(1, Ordering::Relaxed);
    hub.probe(vec![probe("work")]);
    agent.context().in_scope(|| (0..10).for_each(|n| assert_eq!(work(n), n)));
    let refused = hub.wait("the refusal is counted", |state| {
        state.reports.last()?.drops.map(|drops| drops.refused).filter(|refused| *refused > 0)
    });
    agent.context().in_scope(|| (10..20).for_each(|n| assert_eq!(work(n), n)));
    assert!(agent.flush(PATIENCE));
    assert_eq!(numbers(&hub).len() as u64 + refused, 20);
}

#[test]
fn a_refusal_that_is_lost_with_its_connection_is_heard_with_the_next() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.faults().refuse.store(1, Ordering::Relaxed);
    hub.faults().lost_answers.store(true, Ordering::Relaxed);
    hub.probe(vec![probe("work")]);
    agent.context().in_scope(|| (0..10).for_each(|n| assert_eq!(work(n), n)));
    hub.wait("the refusal is lost", |state| state.refused.first().copied());
    agent.context().in_scope(|| (10..20).for_each(|n| assert_eq!(work(n), n)));
    hub.wait("what comes behind is stored", |state| state.batches.first().copied());
    hub.faults().lost_answers.store(false, Ordering::Relaxed);
    hub.cut();
    let refused = hub.wait("the refusal is counted", |state| {
        state.reports.last()?.drops.map(|drops| drops.refused).filter(|refused| *refused > 0)
    });
    assert!(agent.flush(PATIENCE));
    assert_eq!(numbers(&hub).len() as u64 + refused, 20);
}

#[test]
fn garbage_from_the_hub_is_passed_over() {
    let hub = TestHub::start();
    hub.faults().garbage.store(true, Ordering::Relaxed);
    let agent = agent(&hub);
    hub.probe(vec![probe("work")]);
    agent.context().in_scope(|| work(1));
    assert!(agent.flush(PATIENCE));
    assert_eq!(numbers(&hub), [1]);
}

#[test]
fn a_hub_that_asks_for_more_than_can_be_held_is_left() {
    let hub = TestHub::start();
    hub.first_probes(vec![v1::Probe::default(); 10_000]);
    let (tell, told) = std::sync::mpsc::channel();
    let tell = Mutex::new(tell);
    let report = move |warning: &str| drop(tell.lock().unwrap().send(warning.to_owned()));
    let agent = settings(&hub).report_to(report).flush_within(Duration::ZERO).start().unwrap();
    let warning = told.recv_timeout(PATIENCE).unwrap();
    assert!(warning.contains("more probes, patterns or conditions than an instance takes"), "{warning}");
    // It is asked again, and when it has come to its senses all is well.
    hub.first_probes(vec![probe("work")]);
    hub.wait("it is on", |state| state.reports.last()?.probes.first().map(|_| ()));
    drop(agent);
}

#[test]
fn a_hub_that_never_reads_holds_nobody_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut socket = tungstenite::accept(stream).unwrap();
        socket.read().unwrap();
        let probes = v1::Probes { revision: 1, probes: vec![probe("payload"), probe("is_on")] };
        let welcome = v1::Welcome { protocol: 1, probes: Some(probes), ..v1::Welcome::default() };
        let message = v1::ToInstance { message: Some(v1::to_instance::Message::Welcome(welcome)) };
        socket.send(tungstenite::Message::Binary(message.encode_to_vec().into())).unwrap();
        // From here on it reads nothing, and keeps the connection.
        std::thread::sleep(Duration::from_secs(3_600));
    });
    let settings = builder().hub(format!("http://{address}")).service("test").buffer_bytes(500_000).cpu_budget(0.0);
    let agent = settings.report_to(|_| {}).flush_within(Duration::from_millis(300)).start().unwrap();
    let context = agent.context();
    let deadline = Instant::now() + PATIENCE;
    while !context.in_scope(is_on) {
        assert!(Instant::now() < deadline);
    }
    // Far more than the sockets between them hold, and the buffer.
    let longest = context.in_scope(|| {
        let calls = (0..40_000).map(|n| {
            let began = Instant::now();
            assert_eq!(payload(n).len(), 900);
            began.elapsed()
        });
        calls.max().unwrap()
    });
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    let began = Instant::now();
    assert!(!agent.flush(Duration::from_millis(100)));
    drop(agent);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn a_hub_that_drops_right_after_the_welcome_is_asked_ever_less_often() {
    let hub = TestHub::start();
    hub.faults().drops.store(true, Ordering::Relaxed);
    let began = Instant::now();
    let agent = settings(&hub).flush_within(Duration::ZERO).start().unwrap();
    hub.wait("the seventh attempt", |state| (state.hellos.len() >= 7).then_some(()));
    // The waits are at least half of 100, 200, 400, 800, 1,600 and 3,200 ms.
    assert!(began.elapsed() >= Duration::from_millis(3_100), "{:?}", began.elapsed());
    drop(agent);
}

#[test]
fn a_peer_that_is_no_hub_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1_000]);
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let (tell, told) = std::sync::mpsc::channel();
    let tell = Mutex::new(tell);
    let report = move |warning: &str| drop(tell.lock().unwrap().send(warning.to_owned()));
    let agent =
        builder().hub(format!("http://{address}")).report_to(report).flush_within(Duration::ZERO).start().unwrap();
    let warning = told.recv_timeout(PATIENCE).unwrap();
    assert!(warning.contains("404") && warning.contains("is this address a Glasshull hub's?"), "{warning}");
    drop(agent);
}

#[test]
fn a_wrong_key_is_told_and_the_right_one_connects() {
    let hub = TestHub::start();
    *hub.faults().key.lock().unwrap() = Some("sesame".into());
    let (tell, told) = std::sync::mpsc::channel();
    let tell = Mutex::new(tell);
    let report = move |warning: &str| drop(tell.lock().unwrap().send(warning.to_owned()));
    let wrong = settings(&hub).key("wrong").report_to(report).flush_within(Duration::ZERO).start().unwrap();
    let warning = told.recv_timeout(PATIENCE).unwrap();
    assert!(warning.contains("GLASSHULL_KEY"), "{warning}");
    let _right = settings(&hub).key("sesame").start().unwrap();
    hub.wait("the right key", |state| (!state.hellos.is_empty()).then_some(()));
    drop(wrong);
}

#[test]
fn a_full_ring_drops_and_counts_and_ends_are_never_lost() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("payload")]);
    agent.context().in_scope(|| (0..2_000).for_each(|n| assert_eq!(payload(n).len(), 900)));
    assert!(agent.flush(PATIENCE));
    let drops = hub.wait("a report of drops", |state| state.reports.last()?.drops.filter(|drops| drops.ring_full > 0));
    let state = hub.state();
    assert_eq!(state.ended().len() as u64 + drops.ring_full, 2_000);
    let still_running = state.rows.iter().filter(|row| row.outcome == v1::Outcome::Running).count();
    assert_eq!(still_running, 0);
}

mod overfull {
    #[glasshull::trace]
    pub(crate) fn root(_text: &str) -> u32 {
        leaf()
    }

    #[glasshull::trace]
    fn leaf() -> u32 {
        1
    }
}

#[test]
fn below_a_root_that_was_dropped_nothing_is_captured() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![v1::Probe { max_calls: 1_900, ..probe("overfull::*") }]);
    let text = "x".repeat(900);
    agent.context().in_scope(|| (0..900).for_each(|_| assert_eq!(overfull::root(&text), 1)));
    assert!(agent.flush(PATIENCE));
    hub.wait("a report of drops", |state| state.reports.last()?.drops.filter(|drops| drops.ring_full > 0));
    let calls = hub.state().ended();
    assert!(calls.iter().all(|call| call.parent_id.is_none() == call.function.ends_with("root")), "a false root");
}

#[test]
fn capturing_that_costs_too_much_is_suspended_with_the_reason() {
    let hub = TestHub::start();
    let agent = settings(&hub).cpu_budget(0.000_001).start().unwrap();
    hub.probe(vec![probe("work")]);
    let context = agent.context();
    let deadline = Instant::now() + PATIENCE;
    let suspended = loop {
        context.in_scope(|| (0..500).for_each(|n| assert_eq!(work(n), n)));
        let last = hub.state().reports.last().cloned().unwrap();
        if let Some(report) = last.probes.iter().find(|report| report.state() == ProbeState::Suspended) {
            break report.clone();
        }
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(
        suspended.reason.contains("% of the CPU time") && suspended.reason.contains("resumes"),
        "{}",
        suspended.reason
    );
}

#[glasshull::trace]
fn request(n: u64) -> u64 {
    (0..20).map(work).sum::<u64>() + n
}

/// Whether capturing was cut back to what the budget allows, by letting in fewer requests.
fn is_settled(report: &v1::Report) -> bool {
    let governed = report.probes.first().is_some_and(|probe| probe.governor_one_in > 1 && probe.cpu_share_ppm > 0);
    governed && report.cpu_share_ppm <= report.cpu_budget_ppm
}

#[test]
fn what_exceeds_the_budget_is_cut_back_by_whole_requests_and_each_is_accounted_for() {
    let hub = TestHub::start();
    let agent = settings(&hub).cpu_budget(0.02).start().unwrap();
    let order = v1::Probe { max_calls: 10_000_000, max_calls_per_second: 10_000_000, ..probe("request") };
    hub.probe(vec![v1::Probe { patterns: vec!["faults::request".into(), "faults::work".into()], ..order }]);
    let deadline = Instant::now() + PATIENCE;
    let mut requests = 0_u64;
    while !hub.state().reports.last().is_some_and(is_settled) {
        assert!(Instant::now() < deadline, "{:?}", hub.state().reports.last());
        agent.context().in_scope(|| (0..20).for_each(|n| assert_eq!(request(n), n + 190)));
        requests += 20;
    }
    assert!(agent.flush(PATIENCE));
    let why = hub.state().reports.iter().rfind(|report| is_settled(report)).unwrap().probes[0].clone();
    assert_eq!(why.state(), ProbeState::Limited);
    let told = format!("one request in {} is captured", why.governor_one_in);
    assert!(why.reason.contains("2 % of it are allowed") && why.reason.ends_with(&told), "{}", why.reason);
    let calls = hub.state().ended();
    let roots = calls.iter().filter(|call| call.parent_id.is_none()).count() as u64;
    // A root for which its thread's ring had no room is counted there, and so is each such call below a captured root.
    let adds_up = |last: &v1::ProbeReport, ring_full: u64| {
        let lost_roots = requests.checked_sub(roots + last.skipped_by_governor)?;
        (lost_roots <= ring_full && calls.len() as u64 + ring_full == 21 * roots + lost_roots).then_some(())
    };
    let (last, lost) = hub.wait("a last report in which each call is accounted for", |state| {
        let report = state.reports.last()?;
        let (last, lost) = (report.probes.first()?, report.drops?);
        adds_up(last, lost.ring_full).map(|()| (last.clone(), lost))
    });
    assert_eq!(last.captured, calls.len() as u64);
    assert_eq!((last.skipped_by_sample, last.skipped_by_rate, last.skipped_by_condition), (0, 0, 0));
    assert_eq!((lost.buffer_full, lost.no_ring, lost.refused, lost.open_full, lost.unclaimed), (0, 0, 0, 0, 0));
    assert!(last.cost_ns > 0 && last.captured_bytes > 0 && last.remaining_ns > 0);
    assert_eq!(last.calls_left, 10_000_000 - last.captured);
    let known: HashSet<u64> = calls.iter().map(|call| call.call_id).collect();
    assert!(calls.iter().all(|call| call.parent_id.is_none_or(|parent| known.contains(&parent))), "a fragment");
}

#[test]
fn threads_that_end_leave_nothing_behind() {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("work")]);
    // Twice as many threads as there is memory for rings at a time.
    for round in 0..16u64 {
        let context = agent.context();
        std::thread::scope(|scope| {
            for i in 0..128 {
                let context = context.clone();
                scope.spawn(move || context.in_scope(|| work(round * 128 + i)));
            }
        });
        assert!(agent.flush(PATIENCE));
    }
    assert_eq!(numbers(&hub), (0..2_048).collect::<Vec<_>>());
}

#[test]
fn wrong_settings_are_refused_with_the_reason() {
    let refused = |builder: Builder| builder.start().unwrap_err().to_string();
    assert!(refused(builder().hub("nonsense")).contains("no address of a hub"));
    assert!(refused(builder().service("")).contains("GLASSHULL_SERVICE"));
    assert!(refused(builder().class("x".repeat(300))).contains("256 bytes"));
    assert!(refused(builder().key("two words")).contains("key"));
    assert!(refused(builder().cpu_budget(f64::NAN)).contains("cpu_budget"));
    assert!(refused((0..40).fold(builder(), |b, i| b.tag(i.to_string(), "x"))).contains("tags"));
}

#[test]
fn any_time_may_be_allowed_for_a_flush() {
    let hub = TestHub::start();
    let agent = settings(&hub).flush_within(Duration::MAX).start().unwrap();
    assert!(agent.flush(Duration::MAX));
    drop(agent);
}

#[test]
fn the_process_can_be_connected_again_after_it_was_disconnected() {
    let first = TestHub::start();
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&warnings);
    let guard = settings(&first).init();
    assert!(guard.is_on());
    let second_init = settings(&first).report_to(move |warning| told.lock().unwrap().push(warning.to_owned())).init();
    assert!(!second_init.is_on());
    assert!(warnings.lock().unwrap()[0].contains("connected already"));
    first.probe(vec![probe("work")]);
    work(1);
    drop(guard);
    assert_eq!(numbers(&first), [1]);
    first.wait("goodbye", |state| (state.goodbyes == 1).then_some(()));
    work(2);
    let second = TestHub::start();
    let guard = settings(&second).init();
    second.probe(vec![probe("work")]);
    work(3);
    drop(guard);
    assert_eq!((numbers(&first), numbers(&second)), (vec![1], vec![3]));
    assert!(!settings(&second).hub("off").init().is_on());
}

#[test]
fn a_hub_that_asks_for_a_pause_gets_no_batch_until_it_is_over_and_all_of_a_burst_then() {
    const PAUSE: Duration = Duration::from_secs(2);
    const REQUESTS: u64 = 200;
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe("work")]);
    hub.faults().wait_ms.store(PAUSE.as_millis() as u32, Ordering::Relaxed);
    agent.context().in_scope(|| work(0));
    let (acked_at, batches, reports) = hub
        .wait("a batch", |state| state.acked_at.map(|acked_at| (acked_at, state.batches.len(), state.reports.len())));
    // From then on the program has heard of it.
    let is_empty = |report: &v1::Report| report.buffered_bytes == 0;
    hub.wait("a report that nothing waits", |state| state.reports[reports..].iter().any(is_empty).then_some(()));
    hub.faults().wait_ms.store(0, Ordering::Relaxed);
    agent.context().in_scope(|| (1..=REQUESTS).for_each(|n| assert_eq!(work(n), n)));
    assert!(agent.flush(PATIENCE));
    assert_eq!(numbers(&hub), (0..=REQUESTS).collect::<Vec<_>>());
    let came_at = hub.state().batches_at[batches];
    assert!(came_at >= acked_at + PAUSE, "{:?} after it asked for a pause", came_at - acked_at);
}
