use std::io::{Read, Write};
use std::net::TcpStream;

use glasshull_testkit::{PATIENCE, TestHub};

use crate::{Ran, Typed, glasshull, ran};

/// `glasshull up` that does not come up.
fn fails(words: &[&str]) -> Ran {
    let ran = ran(glasshull().arg("up").args(words));
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{words:?}: {ran:?}");
    ran
}

pub(crate) fn folder() -> (tempfile::TempDir, String) {
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

/// `glasshull up`, and where it listens.
pub(crate) fn up(arguments: &[&str], data: &str) -> (Typed, String) {
    let mut command = glasshull();
    command.args(["up", "--listen", "127.0.0.1:0", "--data", data]).args(arguments);
    let mut up = Typed::start(&mut command);
    let address = up.told("Glasshull is up: http://");
    (up, address)
}

#[test]
fn a_polite_kill_ends_it_in_good_order() {
    for signal in ["TERM", "INT"] {
        let (_folder, data) = folder();
        let (up, _) = up(&[], &data);
        up.signal(signal);
        let ran = up.end();
        assert_eq!(ran.code, Some(0), "{signal}: {ran:?}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (_folder, data) = folder();
    let (mut up, address) = up(&["--stop-within", "60s"], &data);
    // A request that does not come to its end holds up a stop in good order.
    let mut request = TcpStream::connect(address).expect("it listens");
    let head = "POST /api/v1/statements HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 9\r\nexpect: 100-continue\r\n\r\n";
    request.write_all(head.as_bytes()).expect("it reads");
    request.set_read_timeout(Some(PATIENCE)).expect("a limit");
    request.read_exact(&mut [0; 20]).expect("it waits for the body");
    up.signal("INT");
    up.told("Stopping.");
    up.signal("INT");
    up.told("Stopped at once");
    assert_eq!(up.end().code, Some(1));
}

#[test]
fn relaxed_durability_is_told_wherever_somebody_looks() {
    for (durability, told) in [("relaxed", true), ("journal", false)] {
        let (_folder, data) = folder();
        let (_hub, address) = up(&["--durability", durability], &data);
        let url = format!("http://{address}");
        let doctor = ran(glasshull().args(["doctor", "--hub", &url]));
        assert_eq!(doctor.code, Some(0), "{doctor:?}");
        assert_eq!(doctor.out.contains("a power cut loses"), told, "{}", doctor.out);
        let get = |path: &str| {
            let answer = ureq::get(format!("{url}{path}")).call().expect("it answers");
            answer.into_body().read_to_string().expect("a text")
        };
        assert_eq!(get("/readyz").contains("a power cut loses"), told);
        assert!(get("/api/v1/status").contains(&format!(r#""durability":"{durability}""#)));
        assert!(get("/metrics").contains(&format!("glasshull_journal_relaxed {}", u8::from(told))));
    }
    assert_eq!(ran(glasshull().args(["up", "--durability", "none"])).code, Some(2));
}
