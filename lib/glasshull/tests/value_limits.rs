//! How much of a value is captured is what the probes say that want the call, on its way in and on its way out.

mod hub;

use glasshull_wire::v1::{self, ValueLimits};
use hub::{PATIENCE, TestHub, agent, probe};
use serde::Serialize;
use serde_json::Value;

/// As deep, as long and as wide as it is made.
#[derive(Clone, Serialize)]
struct Parcel {
    label: String,
    items: Vec<u32>,
    inside: Option<Box<Parcel>>,
}

impl Parcel {
    fn new(levels: usize, label_bytes: usize, items: u32) -> Self {
        let inside = (levels > 1).then(|| Box::new(Self::new(levels - 1, 1, 1)));
        Self { label: "x".repeat(label_bytes), items: (0..items).collect(), inside }
    }
}

#[glasshull::trace]
fn forwarded(parcel: &Parcel) -> Parcel {
    parcel.clone()
}

#[glasshull::trace]
fn refused(parcel: &Parcel) -> Result<(), String> {
    Err(parcel.label.clone())
}

/// Makes a call under probes with these limits.
fn call(limits: &[Option<ValueLimits>], work: impl FnOnce()) -> (Value, hub::Call) {
    let hub = TestHub::start();
    let agent = agent(&hub);
    let with = |(number, limits): (usize, &Option<ValueLimits>)| v1::Probe {
        probe_id: format!("p{number}"),
        limits: *limits,
        ..probe("value_limits::*")
    };
    hub.probe(limits.iter().enumerate().map(with).collect());
    agent.context().in_scope(work);
    assert!(agent.flush(PATIENCE));
    let call = hub.calls(1).remove(0);
    (serde_json::from_str(&call.args).unwrap(), call)
}

/// A parcel as it is captured, which must be the same on both sides of a call.
fn captured(limits: &[Option<ValueLimits>], parcel: &Parcel) -> Value {
    let (args, call) = call(limits, || drop(forwarded(parcel)));
    let returned: Value = serde_json::from_str(call.returned.as_deref().unwrap()).unwrap();
    assert_eq!(args["parcel"], returned);
    returned
}

/// Levels of parcels before the mark that says there were more.
fn levels(parcel: &Value) -> usize {
    if parcel["inside"]["label"].is_string() { 1 + levels(&parcel["inside"]) } else { 1 }
}

fn label_bytes(parcel: &Value) -> usize {
    parcel["label"].as_str().unwrap().trim_end_matches('…').len()
}

/// Without the mark that says there were more.
fn items(parcel: &Value) -> usize {
    parcel["items"].as_array().unwrap().iter().filter(|item| item.is_number()).count()
}

/// A parcel that is more in every respect than is captured where probes are silent.
fn large() -> Parcel {
    Parcel::new(12, 3_000, 100)
}

const LARGE: ValueLimits = ValueLimits { bytes: 16 * 1024, depth: 16, items: 200, text_bytes: 4 * 1024 };

#[test]
fn a_silent_probe_captures_as_usual() {
    for silent in [None, Some(ValueLimits::default())] {
        let parcel = captured(&[silent], &large());
        assert_eq!((levels(&parcel), label_bytes(&parcel), items(&parcel)), (8, 1_024, 64));
    }
}

#[test]
fn a_probe_captures_deeper_longer_and_more_where_it_says_so() {
    let parcel = captured(&[Some(LARGE)], &large());
    assert_eq!((levels(&parcel), label_bytes(&parcel), items(&parcel)), (12, 3_000, 100));
    assert_eq!(parcel, serde_json::to_value(large()).unwrap(), "whole");
}

#[test]
fn a_probe_captures_less_where_it_says_so() {
    let less = ValueLimits { depth: 3, items: 5, text_bytes: 10, bytes: 0 };
    let parcel = captured(&[Some(less)], &large());
    assert_eq!((levels(&parcel), label_bytes(&parcel), items(&parcel)), (3, 10, 5));
}

#[test]
fn a_probe_says_how_many_bytes_of_a_value_it_captures() {
    let wide = Parcel::new(1, 1, 1_000);
    let many = |bytes| Some(ValueLimits { bytes, items: 1_024, ..ValueLimits::default() });
    let [few, usual, all] = [many(500), many(0), many(16 * 1024)].map(|limits| items(&captured(&[limits], &wide)));
    assert!(few > 20 && few < usual && usual < 1_000, "{few}, {usual}");
    assert_eq!(all, 1_000);
}

#[test]
fn the_larger_of_two_probes_limits_holds() {
    let deep = ValueLimits { depth: 16, items: 5, text_bytes: 10, bytes: 16 * 1024 };
    let long = ValueLimits { depth: 3, items: 80, text_bytes: 2_000, bytes: 8 * 1024 };
    for limits in [[Some(deep), Some(long)], [Some(long), Some(deep)]] {
        let parcel = captured(&limits, &large());
        assert_eq!((levels(&parcel), label_bytes(&parcel), items(&parcel)), (12, 2_000, 80));
    }
    // A silent probe asks for the usual.
    let parcel = captured(&[Some(ValueLimits { items: 5, ..LARGE }), None], &large());
    assert_eq!((levels(&parcel), label_bytes(&parcel), items(&parcel)), (12, 3_000, 64));
}

#[test]
fn an_error_is_as_long_as_the_probe_says() {
    let (_, call) = call(&[Some(LARGE)], || drop(refused(&large())));
    let error: Value = serde_json::from_str(call.error.as_deref().unwrap()).unwrap();
    assert_eq!(error["message"].as_str().unwrap().trim_matches('"').len(), 3_000);
}
