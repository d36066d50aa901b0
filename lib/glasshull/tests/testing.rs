//! `glasshull::testing` as users' tests use it.
#![allow(clippy::unused_unit)]

use std::sync::mpsc;
use std::time::Duration;

use glasshull::context;
use glasshull::testing::{self, Outcome, Recording};

mod shop {
    #[glasshull::trace(skip(voucher))]
    pub(crate) fn order(sku: &str, quantity: u32, voucher: &str) -> Result<u64, String> {
        let _ = voucher;
        Ok(u64::from(quantity) * price(sku)? - discount(quantity))
    }

    #[glasshull::trace]
    fn price(sku: &str) -> Result<u64, String> {
        match sku {
            "HAT" => Ok(500),
            "" => panic!("no sku"),
            _ => Err(format!("no price for {{{sku}}}")),
        }
    }

    #[glasshull::trace]
    pub(crate) fn discount(quantity: u32) -> u64 {
        if quantity > 1 { discount(quantity - 1) + 10 } else { 0 }
    }

    #[glasshull::trace]
    pub(crate) async fn wait(password: &str, times: usize) -> usize {
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
        discount(1) as usize + password.len()
    }
}

#[test]
fn calls_are_drawn_as_trees() {
    let captured = testing::capture(["shop::*"], || {
        let _ = shop::order("HAT", 3, "X");
        let _ = shop::order("C,A\"T", 1, "X");
        std::panic::catch_unwind(|| shop::order("", 1, "X")).is_err()
    });
    assert!(captured.output);
    let expected = r#"
testing::shop::order(sku: "HAT", quantity: 3, voucher: <skipped>) -> 1480
|-- testing::shop::price(sku: "HAT") -> 500
`-- testing::shop::discount(quantity: 3) -> 20
    `-- testing::shop::discount(quantity: 2) -> 10
        `-- testing::shop::discount(quantity: 1) -> 0
testing::shop::order(sku: "C,A\"T", quantity: 1, voucher: <skipped>) !! "no price for {C,A\"T}"
`-- testing::shop::price(sku: "C,A\"T") !! "no price for {C,A\"T}"
testing::shop::order(sku: "", quantity: 1, voucher: <skipped>) ** "no sku"
`-- testing::shop::price(sku: "") ** "no sku"
"#;
    assert_eq!(captured.tree(), expected.trim_start());
    let price = captured.of("price")[1];
    assert_eq!((price.arg("sku"), price.arg("quantity")), (Some(r#""C,A\"T""#), None));
    assert_eq!((price.outcome, price.depth, price.parent), (Outcome::Error, 1, Some(5)));
    assert_eq!(captured.calls[5].function, "testing::shop::order");
    assert!(captured.calls[0].duration >= captured.calls[1].duration + captured.calls[2].duration);
    assert_eq!(captured.dropped, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_future_is_captured_wherever_it_runs() {
    let future = testing::capture_async(["shop::*"], async {
        tokio::spawn(glasshull::spawnable(shop::wait("secret", 3))).await.unwrap()
    });
    // It may be spawned itself.
    let captured = tokio::spawn(future).await.unwrap();
    assert_eq!(captured.output, 6);
    let expected = r"
testing::shop::wait(password: <redacted>, times: 3) -> 6
`-- testing::shop::discount(quantity: 1) -> 0
";
    assert_eq!(captured.tree(), expected.trim_start());
}

#[test]
fn what_runs_elsewhere_is_not_captured_unless_it_carries_the_context() {
    let captured = testing::capture(["discount"], || {
        std::thread::spawn(|| shop::discount(1)).join().unwrap();
        std::thread::Builder::new().name("carried".into()).spawn(context::carry(|| shop::discount(2))).unwrap().join()
    });
    assert_eq!(captured.calls.len(), 2, "{}", captured.tree());
    assert_eq!(captured.calls[0].thread, "carried");
    shop::discount(5);
    let inside = testing::capture(["discount"], || {
        shop::discount(1);
        // What captures inside has its own.
        testing::capture(["discount"], || shop::discount(2)).calls.len()
    });
    assert_eq!((inside.output, inside.calls.len()), (2, 1));
}

#[test]
fn recordings_beside_each_other_do_not_mix() {
    let threads: Vec<_> = (1..=40)
        .map(|n| std::thread::spawn(move || testing::capture(["discount"], || shop::discount(n)).calls.len()))
        .collect();
    let counts: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(counts, (1..=40).collect::<Vec<_>>());
}

#[test]
fn a_call_that_has_not_ended_is_running_and_a_dropped_future_cancelled() {
    #[glasshull::trace(skip_all)]
    fn hangs(entered: mpsc::Sender<()>, released: mpsc::Receiver<()>) {
        entered.send(()).unwrap();
        let _ = released.recv_timeout(Duration::from_secs(20));
    }

    let recording = Recording::start(["hangs", "wait"]);
    let ((enter, entered), (release, released)) = (mpsc::channel(), mpsc::channel());
    let context = recording.context();
    let thread = std::thread::spawn(move || context.in_scope(|| hangs(enter, released)));
    entered.recv_timeout(Duration::from_secs(20)).unwrap();
    recording.context().in_scope(|| {
        use futures::FutureExt as _;
        assert!(shop::wait("x", 1).now_or_never().is_none());
    });
    let captured = recording.finish();
    release.send(()).unwrap();
    thread.join().unwrap();
    let expected = r"
testing::hangs(entered: <skipped>, released: <skipped>) .. running
testing::shop::wait(password: <redacted>, times: 1) ~~ cancelled
";
    assert_eq!(captured.tree(), expected.trim_start());
}

#[test]
fn futures_of_one_function_inside_each_other_are_calls_of_their_own() {
    #[glasshull::trace]
    async fn nested(n: u32, twice: bool) -> u32 {
        if n == 0 {
            return 0;
        }
        tokio::task::yield_now().await;
        let again = if twice { Box::pin(nested(n - 1, false)).await } else { 0 };
        Box::pin(nested(n - 1, twice)).await + again + 1
    }

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let captured = testing::capture(["nested"], || {
        runtime.block_on(async { tokio::join!(nested(2, true), nested(0, true)) }) //
    });
    assert_eq!(captured.output, (3, 0));
    let expected = "\
testing::nested(n: 2, twice: true) -> 3
|-- testing::nested(n: 1, twice: false) -> 1
|   `-- testing::nested(n: 0, twice: false) -> 0
`-- testing::nested(n: 1, twice: true) -> 1
    |-- testing::nested(n: 0, twice: false) -> 0
    `-- testing::nested(n: 0, twice: true) -> 0
testing::nested(n: 0, twice: true) -> 0
";
    let names = captured.tree().replace(FUTURES, "testing::nested");
    assert_eq!(names, expected);
}

/// As the function inside the test above is called in full.
const FUTURES: &str = "testing::futures_of_one_function_inside_each_other_are_calls_of_their_own::nested";

#[test]
fn settings_can_be_tested() {
    let recording =
        Recording::start_with(glasshull::builder().redact(["sku"]).redact_except(["password"]), ["shop::*"]);
    recording.context().in_scope(|| {
        let _ = shop::order("HAT", 1, "");
        futures::executor::block_on(shop::wait("shown", 0));
    });
    let captured = recording.finish();
    assert_eq!(captured.one("order").arg("sku"), Some(r#"{"$glasshull":"redacted"}"#));
    assert_eq!(captured.one("wait").arg("password"), Some(r#""shown""#));
}

#[test]
#[should_panic(expected = "`shop::ordr` matches none of")]
fn a_slip_in_a_pattern_is_told() {
    testing::capture(["shop::order", "shop::ordr"], || ());
}

#[test]
#[should_panic(expected = "2 calls match `discount`")]
fn one_is_one() {
    testing::capture(["discount"], || shop::discount(2)).one("discount");
}

#[test]
fn what_does_not_fit_is_told() {
    let captured = testing::capture(["shop::*"], || {
        for n in 0..40_000 {
            let _ = shop::order("HAT", n % 2, "");
        }
    });
    assert!(captured.dropped > 0 && captured.calls.len() > 10_000, "{} {}", captured.dropped, captured.calls.len());
    assert!(captured.tree().ends_with(&format!("({} calls were dropped)\n", captured.dropped)));
}
