//! Starts that must not be: a sentence, and nothing touched.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use glasshull_hub::{listen, take_folder};
use glasshull_testkit::{TestHub, eventually};

fn listing(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_belongs_to_one_hub() {
    let hub = TestHub::start().await;
    let failure = take_folder(hub.folder()).expect_err("it is taken");
    assert_eq!(failure.code, "GH5003");
    assert!(failure.message.contains(&hub.folder().display().to_string()), "{failure}");
}

#[test]
fn a_folder_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("version"), "999\n").expect("a file");
    let failure = take_folder(folder.path()).expect_err("it is newer");
    assert_eq!(failure.code, "GH5002");
    assert_eq!(listing(folder.path()), ["version"]);
}

#[test]
fn a_file_is_no_data_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data");
    std::fs::write(&file, "precious").expect("a file");
    let failure = take_folder(&file).expect_err("it is a file");
    assert_eq!(failure.code, "GH5001");
    assert!(failure.hint.is_some(), "{failure}");
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "precious");
}

#[test]
fn a_folder_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).expect("permissions");
    // Whoever may do anything on this machine can write everywhere.
    let anything_goes = std::fs::File::create(folder.path().join("x")).is_ok();
    if !anything_goes {
        assert_eq!(take_folder(folder.path()).expect_err("not writable").code, "GH5001");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_lost_a_task_is_not_ready_and_says_why() {
    let hub = TestHub::start().await;
    assert_eq!(hub.http().get("/readyz").await.status, 200);
    hub.clock.break_once();
    let told = eventually("a task asks the clock", async || {
        let answer = hub.http().get("/readyz").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert!(told.code() == "GH9001" && told.text().contains("Restart the hub"), "{}", told.text());
    assert_eq!(hub.metric("glasshull_failed_tasks").await, 1.0);
    assert_eq!(hub.http().get("/healthz").await.status, 200, "it goes on as far as it can");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_told_with_what_to_do() {
    let hub = TestHub::start().await;
    let failure = listen(hub.address()).await.expect_err("it is in use");
    assert_eq!(failure.code, "GH5004");
    assert!(failure.hint.is_some_and(|hint| hint.contains("--listen")));
}
