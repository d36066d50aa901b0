//! A hub whose journal is in an object store: its machine is lost, or another hub takes over while it still runs.

use crate::audit::Auditor;
use crate::hub_process::{HubProcess, eventually, eventually_told};
use crate::s3::{Bucket, SECRET};

const MIB: usize = 1 << 20;

/// A hub that keeps everything in a bucket, and does not run yet.
fn diskless(bucket: &Bucket) -> HubProcess {
    let objects = bucket.url("fleet/blue");
    HubProcess::absent()
        .with(&["--durability", "object-store", "--objects", &objects, "--publish-after", "1s"])
        .with_variables(bucket.variables())
}

#[test]
fn every_acknowledged_call_is_there_once_after_machine_upon_machine_was_lost() {
    let bucket = Bucket::start();
    let mut hub = diskless(&bucket);
    hub.restart();
    let auditor = Auditor::start(&hub, "diskless", 64 * MIB);
    auditor.trace(&hub);
    for round in 0..5 {
        auditor.call(round * 4_000..round * 4_000 + 3_000);
        hub.kill();
        hub.lose_machine();
        auditor.call(round * 4_000 + 3_000..(round + 1) * 4_000);
        hub.restart();
    }
    // The probe has outlived all of them.
    assert_eq!(hub.number("SELECT count(*) FROM probes"), 1);
    auditor.flush();
    auditor.accounts_for(&hub, 20_000);
    // What is published leaves the journal.
    let journal = || bucket.objects("fleet/blue/journal/");
    eventually("the journal is published", || journal().len() <= 2);
    assert!(!bucket.objects("fleet/blue/calls/").is_empty());
    hub.stop();
    assert_eq!(journal().len(), 1, "a hub that was stopped leaves where it took over: {:?}", journal());
}

#[test]
fn a_hub_that_is_taken_over_from_says_so_and_ends_and_nothing_is_lost() {
    let bucket = Bucket::start();
    let mut first = diskless(&bucket);
    first.restart_and_listen();
    let auditor = Auditor::start(&first, "moved", 64 * MIB);
    auditor.trace(&first);
    auditor.call(0..2_000);
    auditor.flush();
    let mut second = diskless(&bucket);
    second.restart();
    assert_eq!(auditor.held(&second), (2_000, 2_000));
    // It learns of it with the next calls, or soon without any.
    auditor.call(2_000..2_100);
    let (code, told) = first.last_words();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("GH4004"), "{told}");
    assert!(!auditor.flush_within(std::time::Duration::from_millis(100)), "nobody has acknowledged these");
    assert_eq!(auditor.held(&second), (2_000, 2_000));
}

#[test]
fn a_hub_that_nobody_sends_to_learns_too_that_it_was_taken_over_from() {
    let bucket = Bucket::start();
    let (mut first, mut second) = (diskless(&bucket), diskless(&bucket));
    first.restart_and_listen();
    second.restart();
    let (code, told) = first.last_words();
    assert!(code == Some(1) && told.contains("GH4004"), "{told}");
    assert_eq!(second.ready().0, 200);
}

#[test]
fn while_the_object_store_is_out_nothing_is_acknowledged_and_nothing_lost() {
    let mut bucket = Bucket::start();
    let mut hub = diskless(&bucket);
    hub.restart();
    let auditor = Auditor::start(&hub, "patient", 64 * MIB);
    auditor.trace(&hub);
    auditor.call(0..1_000);
    auditor.flush();
    bucket.is_out();
    auditor.call(1_000..2_000);
    eventually_told("it says that it cannot acknowledge", |seen| {
        let (status, text) = hub.ready();
        *seen = format!("{status} {text}");
        status == 503
    });
    assert_eq!(auditor.held(&hub).0, 1_000, "what is live can be asked for");
    bucket.goes_on();
    auditor.flush();
    assert_eq!(auditor.held(&hub), (2_000, 2_000));
    eventually("it is ready again", || hub.ready().0 == 200);
}

#[test]
fn an_object_store_that_does_not_let_it_in_is_told_in_a_sentence() {
    let mut bucket = Bucket::start();
    let mut wrong = bucket.variables();
    wrong.retain(|(name, _)| *name != "AWS_SECRET_ACCESS_KEY");
    wrong.push(("AWS_SECRET_ACCESS_KEY", "a-wrong-one".into()));
    for durability in ["object-store", "journal"] {
        let hub = HubProcess::absent().with(&["--durability", durability, "--objects", &bucket.url("a")]);
        let (code, told) = hub.with_variables(wrong.clone()).last_words();
        assert_eq!(code, Some(1), "{told}");
        assert!(told.contains("GH4003") && told.contains("AWS_ACCESS_KEY_ID"), "{told}");
        assert!(!told.contains("a-wrong-one") && !told.contains(SECRET), "{told}");
    }
    // Without the journal's disk there is nothing a hub could do meanwhile.
    let mut hub = diskless(&bucket);
    bucket.is_out();
    let (code, told) = hub.last_words();
    assert!(code == Some(1) && told.contains("GH4003") && told.contains("fleet/blue"), "{told}");
}

#[test]
fn segments_alone_can_lie_in_an_object_store_and_nothing_is_passed_over_when_that_changes() {
    let bucket = Bucket::start();
    let objects = ["--objects", &bucket.url("calls-only"), "--publish-after", "1s"];
    let mut hub = HubProcess::absent().with(&objects).with_variables(bucket.variables());
    hub.restart();
    let auditor = Auditor::start(&hub, "elsewhere", 64 * MIB);
    auditor.trace(&hub);
    auditor.call(0..1_000);
    auditor.flush();
    eventually("they are published", || !bucket.objects("calls-only/calls/").is_empty());
    hub.kill();
    hub.restart();
    assert_eq!(auditor.held(&hub), (1_000, 1_000));
    hub.stop();
    assert!(bucket.objects("calls-only/journal").is_empty(), "the journal is on the disk");
    // Elsewhere it would not find them.
    hub = hub.without_arguments();
    let (code, told) = hub.last_words();
    assert!(code == Some(1) && told.contains("GH5005") && told.contains("calls-only"), "{told}");
    // To the journal in the object store, and with it to another machine.
    hub = hub.with(&objects).with(&["--durability", "object-store"]);
    hub.restart();
    hub.stop();
    hub.lose_machine();
    hub.restart();
    assert_eq!(auditor.held(&hub), (1_000, 1_000));
    hub.stop();
    // Nor over a catalog of another hub, and the one that runs is left alone.
    hub.restart();
    let own = HubProcess::absent();
    let own = own.started_once().with(&objects).with(&["--durability", "object-store"]);
    let (code, told) = own.with_variables(bucket.variables()).last_words();
    assert!(code == Some(1) && told.contains("a catalog of its own"), "{told}");
    auditor.call(1_000..1_100);
    auditor.flush();
    assert_eq!(auditor.held(&hub), (1_100, 1_100));
    hub.stop();
    // Not back: what was acknowledged there would be passed over.
    hub = hub.without_arguments().with(&objects);
    let (code, told) = hub.last_words();
    assert!(code == Some(1) && told.contains("--durability object-store"), "{told}");
}
