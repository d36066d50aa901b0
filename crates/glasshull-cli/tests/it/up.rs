use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use glasshull_testkit::{PATIENCE, TestHub};

use crate::{Ran, glasshull, ran};

/// `glasshull up` that does not come up.
fn fails(words: &[&str]) -> Ran {
    let ran = ran(glasshull().arg("up").args(words));
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{words:?}: {ran:?}");
    ran
}

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data").to_str().expect("Unicode").to_owned();
    (folder, path)
}

#[test]
fn settings_come_from_flags_environment_and_file_in_this_order() {
    let (folder, _) = folder();
    let file = folder.path().join("glasshull.toml");
    std::fs::write(&file, "window = '1m'\nretention = '2d'\nmax_queries = 3\nkey = 'from-file'\n").expect("a file");
    let mut command = glasshull();
    command.args(["up", "--print-settings", "--window", "3m", "--settings"]).arg(&file);
    command.env("GLASSHULL_WINDOW", "2m").env("GLASSHULL_RETENTION", "5d");
    let printed = ran(&mut command);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    for line in ["window = \"3m\"", "retention = \"120h\"", "max_queries = 3", "# key: set, not shown"] {
        assert!(printed.out.contains(line), "{line} in {}", printed.out);
    }
    assert!(!printed.out.contains("from-file"), "{}", printed.out);
}

#[test]
fn settings_that_are_wrong_are_refused_in_a_sentence() {
    let (folder, data) = folder();
    let file = folder.path().join("glasshull.toml");
    std::fs::write(&file, "retension = '2d'\n").expect("a file");
    let refused = fails(&["--data", &data, "--settings", file.to_str().expect("Unicode")]);
    assert!(refused.err.contains("GH5005") && refused.err.contains("retension"), "{}", refused.err);
    let refused = fails(&["--data", &data, "--listen", "0.0.0.0:0"]);
    assert!(refused.err.contains("GH5005") && refused.err.contains("GLASSHULL_KEY"), "{}", refused.err);
    let refused = fails(&["--data", &data, "--settings", "/nowhere/glasshull.toml"]);
    assert!(refused.err.contains("GH5005"), "{}", refused.err);
    assert!(!std::path::Path::new(&data).exists(), "nothing was touched");
    assert_eq!(ran(glasshull().args(["up", "--window", "soon"])).code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_hub_uses_is_refused_in_a_sentence() {
    let hub = TestHub::start().await;
    let address = hub.address().to_string();
    let (_folder, data) = folder();
    let refused = fails(&["--data", &data, "--listen", &address]);
    assert!(refused.err.contains("GH5004") && refused.err.contains("--listen"), "{}", refused.err);
    assert!(!std::path::Path::new(&data).exists(), "nothing was touched");
    let refused = fails(&["--data", hub.folder().to_str().expect("Unicode"), "--listen", "127.0.0.1:0"]);
    assert!(refused.err.contains("GH5003"), "{}", refused.err);
}

/// A running `glasshull up`, ended with the test.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_polite_kill_ends_it_in_good_order() {
    for signal in ["TERM", "INT"] {
        let (_folder, data) = folder();
        let mut command = glasshull();
        command.args(["up", "--listen", "127.0.0.1:0", "--data", &data]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut up = Up(command.spawn().expect("it starts"));
        let deadline = Instant::now() + PATIENCE;
        let wait = |what: &str| {
            assert!(Instant::now() < deadline, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(20));
        };
        while !std::path::Path::new(&data).join("hub-id").exists() {
            wait("it is up");
        }
        let pid = up.0.id().to_string();
        let kill = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status().expect("kill");
        assert!(kill.success());
        let ended = loop {
            match up.0.try_wait().expect("a status") {
                Some(status) => break status,
                None => wait("it ends"),
            }
        };
        assert_eq!(ended.code(), Some(0), "{signal}");
    }
}
