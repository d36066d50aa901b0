//! Values that are cut or fail, and conditions that cannot be decided, are counted: from the program that captures to the
//! command line.

use std::fmt;
use std::process::Command;

use glasshull::Guard;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::hub_process::{HubProcess, PATIENCE, eventually, eventually_told, program};

/// A value whose own code may panic, and calls a traced function.
struct Brittle {
    breaks: bool,
}

impl Serialize for Brittle {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        assert!(!self.breaks, "planted: this value cannot be captured");
        to.serialize_u64(called_by_a_value(7))
    }
}

/// A value that has no fields for whoever looks.
struct OnlyDebug;

impl fmt::Debug for OnlyDebug {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("only a text")
    }
}

#[glasshull::trace]
fn called_by_a_value(n: u64) -> u64 {
    n
}

#[glasshull::trace]
fn flawed_call(numbers: &[u64], brittle: &Brittle) -> usize {
    numbers.len() + usize::from(brittle.breaks)
}

#[glasshull::trace]
fn printed_call(shown: &OnlyDebug) -> String {
    format!("{shown:?}")
}

#[glasshull::trace]
fn secret_call(password: &str) -> usize {
    password.len()
}

/// Twelve calls with a list that is cut, three with a value that panics, two that are whole; five that `Debug` prints;
/// four whose condition asks for what is withheld.
fn call_all(instance: &Guard) {
    let long: Vec<u64> = (0..1_000).collect();
    instance.context().in_scope(|| {
        (0..12).for_each(|_| assert_eq!(flawed_call(&long, &Brittle { breaks: false }), 1_000));
        (0..3).for_each(|_| assert_eq!(flawed_call(&[1], &Brittle { breaks: true }), 2));
        (0..2).for_each(|_| assert_eq!(flawed_call(&[1, 2], &Brittle { breaks: false }), 2));
        (0..5).for_each(|_| assert_eq!(printed_call(&OnlyDebug), "only a text"));
        (0..4).for_each(|_| assert_eq!(secret_call("sesame"), 6));
    });
}

/// What the command line says.
fn told(hub: &HubProcess, command: &str) -> String {
    let told = Command::new(program("glasshull")).args([command, "--hub", &hub.url()]).output().expect("it runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).expect("text")
}

/// The probe with an id.
fn probe(hub: &HubProcess, id: &str) -> Value {
    let probes = hub.get("probes");
    let found = probes["probes"].as_array().and_then(|all| all.iter().find(|probe| probe["id"] == id));
    found.unwrap_or_else(|| panic!("no {id} in {probes}")).clone()
}

fn is_told(hub: &HubProcess, command: &str, parts: &[&str]) {
    eventually_told(&format!("`glasshull {command}` says {parts:?}"), |found| {
        *found = told(hub, command);
        parts.iter().all(|part| found.contains(part))
    });
}

#[test]
fn values_that_were_cut_or_failed_are_counted_with_the_probe_and_stay_so_when_the_hub_is_killed() {
    let mut hub = HubProcess::start();
    let instance = glasshull::builder().hub(hub.url()).service("flawed").cpu_budget(0.0).start().expect("an agent");
    hub.statement("TRACE *::flawed_call, *::printed_call, *::called_by_a_value ON service=flawed");
    hub.statement("TRACE *::secret_call ON service=flawed WHERE args.password = 'sesame'");
    eventually("both probes are active", || ["p1", "p2"].iter().all(|id| probe(&hub, id)["state"] == "active"));
    call_all(&instance);
    assert!(instance.flush(PATIENCE), "the hub acknowledges all calls");
    let values = json!({
        "truncated_calls": 12,
        "failed_values": 3,
        "printed_values": 5,
        "printed_at": "end_to_end::losses::printed_call(shown)",
    });
    eventually_told("each is counted once", |found| {
        let (p1, p2) = (probe(&hub, "p1"), probe(&hub, "p2"));
        *found = format!("{p1} {p2}");
        p1["values"] == values && p1["captured"] == 22 && p2["skipped"]["undecided"] == 4
    });
    let flawed = "cut in 12 calls, failed in 3 (panicked or refused), printed by Debug in 5 (first end_to_end::losses::printed_call(shown))";
    is_told(&hub, "probes", &[flawed, "condition undecided for 4 calls"]);
    is_told(&hub, "instances", &["inside values "]);
    let rows = hub.rows("SELECT truncated_calls, failed_values, printed_values, undecided FROM probes ORDER BY id");
    assert_eq!(rows, [[12, 3, 5, 0], [0, 0, 0, 4]]);

    hub.kill();
    hub.restart();
    is_told(&hub, "probes", &[flawed, "condition undecided for 4 calls"]);
    assert_eq!(probe(&hub, "p1")["values"], values);
}
