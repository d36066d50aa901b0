//! A hub whose disk is really full.

use std::process::{Output, Stdio};
use std::time::Duration;

use crate::audit::Auditor;
use crate::hub_process::{HubProcess, eventually, eventually_told, program};
use crate::small_disk::SmallDisk;

const MIB: usize = 1 << 20;

/// `glasshull up` that does not come up.
fn refused(disk: &SmallDisk) -> Output {
    let mut up = disk.command(&program("glasshull"));
    up.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(disk.path().join("data"));
    up.stdin(Stdio::null()).output().expect("glasshull starts")
}

fn refuses_and_touches_nothing(disk: &SmallDisk) {
    let before = disk.content();
    let output = refused(disk);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.starts_with("error[GH5001]: The data folder ") && told.contains("less than 1024 KiB free"), "{told}");
    assert!(told.contains("free space on its disk, or choose another with --data"), "{told}");
    assert!(disk.content() == before, "something was touched: {told}");
}

#[test]
fn a_hub_does_not_start_on_a_full_disk_and_touches_nothing() {
    let disk = SmallDisk::new(16 * MIB);
    disk.fill();
    refuses_and_touches_nothing(&disk);
    assert_eq!(disk.content(), [], "a folder that was not there is not there");
    disk.free();

    let mut hub = HubProcess::on(disk);
    hub.restart();
    let auditor = Auditor::start(&hub, "careful", MIB);
    auditor.trace(&hub);
    auditor.call(0..100);
    auditor.flush();
    hub.kill();
    hub.disk().fill();
    refuses_and_touches_nothing(hub.disk());
    hub.disk().free();
    hub.restart();
    assert_eq!(auditor.held(&hub), (100, 100));
}

#[test]
fn a_disk_that_becomes_full_loses_nothing_that_was_acknowledged_and_goes_on_when_it_has_room() {
    let mut hub = HubProcess::on(SmallDisk::new(24 * MIB)).with(&["--publish-after", "1s"]);
    hub.restart();
    let auditor = Auditor::start(&hub, "squeezed", 64 * MIB);
    auditor.trace(&hub);
    auditor.call(0..1_000);
    auditor.flush();
    hub.disk().fill();

    let mut made = 1_000;
    eventually_told("the hub says that its disk is full", |seen| {
        auditor.call(made..made + 100);
        made += 100;
        let (status, text) = hub.ready();
        *seen = format!("it says {status}: {text}");
        status == 503 && text.contains("GH4001")
    });
    assert_eq!(hub.metric("glasshull_journal_writable"), 0);
    // Counted and told a moment after the write that failed.
    eventually("the batch is counted", || hub.metric("glasshull_unwritable_batches_total") > 0);
    let told_to_wait = "glasshull_refusals_total{code=\"GH4001\"}";
    eventually("the sender is told", || hub.metric(told_to_wait) > 0);
    assert!(!auditor.flush_within(Duration::from_secs(2)), "nothing is acknowledged that is not on disk");
    let (calls, numbers) = auditor.held(&hub);
    assert_eq!(calls, numbers, "no call is there twice");
    assert!((1_000..made).contains(&numbers), "{numbers} of {made} calls were on disk when it was full");
    eventually("publications fail meanwhile, too", || hub.metric("glasshull_publish_failures_total") > 0);

    hub.disk().free();
    eventually("the hub is ready again by itself", || hub.ready().0 == 200);
    auditor.flush();
    let (calls, numbers) = auditor.held(&hub);
    assert_eq!((calls, numbers + auditor.dropped(&hub)), (numbers, made), "lost: {}", auditor.drops(&hub));
    eventually("what was live is published", || hub.metric("glasshull_segments") > 0);
    hub.kill();
    hub.restart();
    assert_eq!(auditor.held(&hub), (numbers, numbers));
}

#[test]
fn a_hub_is_ready_again_though_nobody_sends() {
    let mut hub = HubProcess::on(SmallDisk::new(16 * MIB));
    hub.restart();
    let auditor = Auditor::start(&hub, "brief", MIB);
    auditor.trace(&hub);
    hub.disk().fill();
    let mut made = 0;
    eventually("the hub says that its disk is full", || {
        auditor.call(made..made + 100);
        made += 100;
        hub.ready().0 == 503
    });
    drop(auditor);
    hub.disk().free();
    eventually("the hub is ready again by itself", || hub.ready().0 == 200);
}
