//! Programs that use `tracing`, with the layer, against a hub: the trees the hub gets.

#[path = "../../../glasshull/tests/hub/mod.rs"]
mod hub;
mod layers;
mod parents;
mod program;
mod stays;
mod values;

use glasshull_wire::v1::{self, ProbeState};
use hub::{PATIENCE, TestHub, agent, draw, probe};
use program::{captured, in_program};

mod shop {
    use std::fmt;

    #[derive(Debug)]
    pub(crate) struct SoldOut(pub(crate) &'static str);

    impl fmt::Display for SoldOut {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} is sold out, token=abc", self.0)
        }
    }

    impl std::error::Error for SoldOut {}

    #[tracing::instrument]
    pub(crate) fn order(sku: &'static str, quantity: u32, password: &str) -> u64 {
        tracing::info!(name: "asking", left = 3, "asking for {sku}");
        let price = price(sku).unwrap_or(0);
        discount(price, quantity)
    }

    #[tracing::instrument(ret, err)]
    pub(crate) fn price(sku: &'static str) -> Result<u64, SoldOut> {
        if sku == "HAT" { Ok(500) } else { Err(SoldOut(sku)) }
    }

    #[glasshull::trace]
    fn discount(price: u64, quantity: u32) -> u64 {
        rounded(price.saturating_mul(quantity.into()))
    }

    #[tracing::instrument(level = "trace", name = "rounding off", target = "money", ret, skip_all, fields(cents = price % 100))]
    fn rounded(price: u64) -> u64 {
        price - price % 100
    }
}

#[test]
fn spans_are_calls_and_fields_are_arguments() {
    let drawn = captured("*", || {
        shop::order("HAT", 2, "hunter2");
    });
    let expected = r#"
shop::order {"sku":"HAT","quantity":2,"password":{"$glasshull":"redacted"}} -> ?
    shop::event::asking {"message":"asking for HAT","left":3} -> ?
    shop::price {"sku":"HAT"} -> "500"
    shop::discount {"price":500,"quantity":2} -> 1000
        rounding off {"cents":0} -> "1000"
"#;
    assert_eq!(drawn, expected);
}

#[test]
fn an_error_told_by_the_attribute_is_the_calls_error() {
    let drawn = captured("shop::price", || {
        let _ = shop::price("CAT");
    });
    let expected = "\nshop::price {\"sku\":\"CAT\"} !! {\"message\":\"CAT is sold out, token=[redacted]\"}\n";
    assert_eq!(drawn, expected);
}

#[test]
fn what_no_probe_wants_is_not_captured_and_does_not_break_the_tree() {
    let drawn = captured("money::*", || {
        shop::order("HAT", 2, "hunter2");
    });
    assert_eq!(drawn, "\nrounding off {\"cents\":0} -> \"1000\"\n");
}

mod told {
    #[tracing::instrument(err)]
    pub(crate) fn recovers(n: u32) -> Result<u32, std::num::TryFromIntError> {
        if let Err(error) = u8::try_from(n) {
            tracing::error!(%error);
            tracing::error!(error = ?error);
        }
        Ok(n)
    }

    #[tracing::instrument(fields(user, rows), err(Debug))]
    pub(crate) fn later(ok: bool) -> Result<(), std::fmt::Error> {
        let span = tracing::Span::current();
        span.record("rows", 1);
        span.record("user", "ann").record("rows", 2);
        if ok { Ok(()) } else { Err(std::fmt::Error) }
    }

    #[tracing::instrument(ret, fields(rows))]
    pub(crate) fn both() -> u32 {
        tracing::Span::current().record("rows", 2);
        7
    }
}

#[test]
fn an_event_of_the_body_is_not_the_end_of_its_call() {
    let drawn = captured("told::recovers", || {
        let _ = told::recovers(300);
    });
    assert_eq!(drawn, "\ntold::recovers {\"n\":300} -> ?\n");
}

#[test]
fn fields_recorded_later_are_told_with_the_end() {
    let drawn = captured("told::*", || {
        let _ = told::later(true);
        let _ = told::later(false);
        told::both();
    });
    let expected = r#"
told::later {"ok":true,"user":null,"rows":null} -> {"rows":2,"user":"ann"}
told::later {"ok":false,"user":null,"rows":null} !! {"message":"Error","fields":{"rows":2,"user":"ann"}}
told::both {"rows":null} -> {"rows":2,"return":"7"}
"#;
    assert_eq!(drawn, expected);
}

#[test]
fn the_hub_is_told_of_a_callsite_when_it_first_ran() {
    let hub = TestHub::start();
    let _agent = agent(&hub);
    in_program(|| {
        shop::order("HAT", 1, "");
    });
    let function =
        |path: &str| hub.wait(path, |state| state.functions.values().find(|function| function.path == path).cloned());
    let order = function("run::shop::order");
    assert_eq!(order.arguments, ["sku", "quantity", "password"]);
    assert!(order.file.ends_with("tests/run/main.rs") && order.line > 0, "{order:?}");
    assert_eq!(function("run::shop::event::asking").arguments, ["message", "left"]);
    assert_eq!(function("money::rounding off").arguments, ["cents"]);
    let line = line!() + 1;
    in_program(|| tracing::warn!(a = 1));
    function(&format!("run::event::warn_{line}"));
    // A question is no function.
    let _ = in_program(|| tracing::enabled!(tracing::Level::ERROR) || tracing::event_enabled!(tracing::Level::ERROR));
    assert!(!hub.state().functions.values().any(|function| function.path.contains("enabled")));
    // The event that tells the error is no function.
    assert!(!hub.state().functions.values().any(|function| function.path.contains("shop::event::error")));
}

mod bounded {
    #[tracing::instrument]
    pub(crate) fn request(n: u32) {
        step(n);
        tracing::info!(name: "stepped", n);
    }

    #[tracing::instrument]
    fn step(n: u32) {}
}

/// Runs requests under the probe; the calls that came, and the report on it.
fn requests(order: v1::Probe, requests: u32, wanted: impl Fn(&v1::ProbeReport) -> bool) -> (String, v1::ProbeReport) {
    let hub = TestHub::start();
    let agent = agent(&hub);
    in_program(|| {
        bounded::request(0);
        hub.probe(vec![v1::Probe { probe_id: "bounded".into(), ..order }]);
        agent.context().in_scope(|| (0..requests).for_each(bounded::request));
    });
    assert!(agent.flush(PATIENCE));
    let report = hub.report("bounded", wanted);
    let calls = hub.state().ended();
    (draw(&calls), report)
}

#[test]
fn whole_requests_are_sampled() {
    let order = v1::Probe { sample_one_in: 4, ..probe("bounded::*") };
    let (drawn, report) = requests(order, 40, |report| report.captured == 30);
    assert_eq!(report.skipped_by_sample, 30);
    assert_eq!(drawn.matches("\nbounded::request").count(), 10, "{drawn}");
    assert_eq!(drawn.matches("\n    bounded::").count(), 20, "{drawn}");
}

#[test]
fn the_number_of_calls_is_limited() {
    let order = v1::Probe { max_calls: 7, ..probe("bounded::*") };
    let (drawn, report) = requests(order, 40, |report| report.captured == 7);
    assert_eq!(report.state(), ProbeState::Limited);
    assert_eq!(drawn.lines().skip(1).count(), 7, "{drawn}");
}
