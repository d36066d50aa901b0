//! The whole shop as processes.

#![allow(clippy::disallowed_methods, reason = "deadlines of tests are by the machine's clock")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// The whole shop, which ends with the test.
struct Shop(Child);

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `shop all` on free ports, and where its four services listen.
fn start(arguments: &[&str]) -> (Shop, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(["all", "--first-port", "0"]).args(arguments).env("GLASSHULL_HUB", "off").env("RUST_BACKTRACE", "0");
    let mut shop =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let lines = BufReader::new(shop.stdout.take().expect("standard output")).lines();
    let address = |line: String| line.split_once("listening on http://").map(|(_, address)| address.to_owned());
    let (sender, told) = channel();
    std::thread::spawn(move || {
        let addresses: Vec<String> = lines.map_while(Result::ok).filter_map(address).take(4).collect();
        // The test has given up where nobody waits.
        let _ = sender.send(addresses);
    });
    let shop = Shop(shop);
    (shop, told.recv_timeout(PATIENCE).expect("all services listen in time"))
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {} s: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(25));
    }
}

#[test]
fn no_service_outlives_a_parent_that_is_killed() {
    let (mut shop, addresses) = start(&[]);
    assert_eq!(addresses.len(), 4);
    assert!(addresses.iter().all(|address| TcpStream::connect(address).is_ok()));
    shop.0.kill().expect("it can be killed");
    shop.0.wait().expect("it ends");
    eventually("nobody listens any more", || addresses.iter().all(|address| TcpStream::connect(address).is_err()));
}

#[test]
fn the_shop_closes_when_the_last_order_is_through() {
    let (mut shop, addresses) = start(&["--orders", "20", "--rate", "100"]);
    eventually("the shop ends well", || shop.0.try_wait().expect("a status").is_some_and(|status| status.success()));
    assert!(addresses.iter().all(|address| TcpStream::connect(address).is_err()));
}
