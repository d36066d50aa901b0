//! A hub that is killed while calls arrive.

use crate::audit::Auditor;
use crate::hub_process::{HubProcess, eventually, eventually_told};

const MIB: usize = 1 << 20;

#[test]
fn every_acknowledged_call_is_there_once_after_the_hub_was_killed_again_and_again() {
    let mut hub = HubProcess::start();
    let auditor = Auditor::start(&hub, "audited", 64 * MIB);
    auditor.trace(&hub);
    for round in 0..4 {
        auditor.call(round * 5_000..round * 5_000 + 4_000);
        hub.kill();
        // What the hub cannot take now waits in the instance.
        auditor.call(round * 5_000 + 4_000..(round + 1) * 5_000);
        hub.restart();
    }
    auditor.flush();
    auditor.accounts_for(&hub, 20_000);
}

#[test]
fn a_probe_goes_on_with_what_is_left_of_its_time_when_the_hub_comes_back() {
    let mut hub = HubProcess::start();
    let auditor = Auditor::start(&hub, "patient", MIB);
    auditor.trace(&hub);
    let before = hub.get("probes")["probes"][0].clone();
    hub.kill();
    hub.restart();
    eventually("the instance obeys the probe again", || hub.get("probes")["probes"][0]["state"] == "active");
    let after = hub.get("probes")["probes"][0].clone();
    assert_eq!((&after["id"], &after["expires_at"]), (&before["id"], &before["expires_at"]));
    auditor.call(0..100);
    auditor.flush();
    assert_eq!(auditor.held(&hub), (100, 100));
}

#[test]
fn calls_that_find_no_room_while_the_hub_is_away_are_counted_and_shown_later() {
    let mut hub = HubProcess::start();
    let auditor = Auditor::start(&hub, "crowded", MIB / 32);
    auditor.trace(&hub);
    auditor.call(0..1_000);
    auditor.flush();
    hub.kill();
    // Not for long: a probe that loses calls for five seconds is suspended, and what is not captured is not lost.
    auditor.call(1_000..11_000);
    hub.restart();
    auditor.flush();
    eventually_told("every call is held or counted as lost", |seen| {
        let (calls, numbers) = auditor.held(&hub);
        assert_eq!(calls, numbers, "no call is there twice");
        let drops = auditor.drops(&hub);
        *seen = format!("{numbers} of 11000 calls are held, and lost are {drops}");
        let dropped = auditor.dropped(&hub);
        dropped > 0 && numbers + dropped == 11_000
    });
}
