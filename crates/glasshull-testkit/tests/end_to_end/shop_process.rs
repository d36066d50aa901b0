//! The program `shop`, with all its processes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use crate::hub_process::{PATIENCE, eventually, program};

/// A seed among whose first orders nobody lives on the Faroe Islands, where a collection takes a minute.
const QUICK_SEED: &str = "11";

/// The shop; all its processes end when it is dropped.
pub(crate) struct ShopProcess(Child);

impl ShopProcess {
    /// The shop of the demo, under steady load until it is dropped.
    pub(crate) fn start(hub: &str) -> Self {
        Self::spawn(hub, &[], Stdio::null())
    }

    /// The shop under so many orders; returns what the customers said in the end, such as
    /// `186 orders served, 14 refused, 0 customers left`.
    pub(crate) fn serve(hub: &str, orders: u32) -> String {
        let arguments = ["--seed", QUICK_SEED, "--rate", "100", "--orders", &orders.to_string()];
        let mut shop = Self::spawn(hub, &arguments, Stdio::piped());
        let lines = BufReader::new(shop.0.stdout.take().expect("standard output")).lines();
        let (sender, told) = channel();
        std::thread::spawn(move || {
            let told = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("load: ").map(String::from));
            // The test has given up where nobody waits.
            let _ = sender.send(told.last());
        });
        let last =
            told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{orders} orders take more than {PATIENCE:?}"));
        eventually("the shop ends well", || {
            shop.0.try_wait().expect("a status").is_some_and(|status| status.success())
        });
        last.expect("the customers' last line")
    }

    fn spawn(hub: &str, arguments: &[&str], stdout: Stdio) -> Self {
        let mut command = Command::new(program("shop"));
        command.args(["--stop-with-stdin", "all", "--first-port", "0"]).args(arguments).env("GLASSHULL_HUB", hub);
        // A panic is planted; its backtrace is not news.
        command.env("RUST_BACKTRACE", "0").stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::null());
        Self(command.spawn().expect("shop starts"))
    }
}

impl Drop for ShopProcess {
    fn drop(&mut self) {
        // Killed, not asked: its children must find out by themselves.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
