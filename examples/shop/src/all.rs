//! The whole shop: five processes of this same program, a role each.
//!
//! A child stops when its standard input closes. The parent holds the other end and writes nothing, so that however the
//! parent ends, by Ctrl-C or by `kill -9`, the children end too.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::arguments::Demand;
use crate::say;

/// How long a child may take to say where it listens, and to end after its standard input was closed.
const PATIENCE: Duration = Duration::from_secs(10);

/// One process of the shop.
struct Process {
    name: &'static str,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Runs the shop until `stop` is ready, a child ends, or the orders are through.
///
/// # Errors
/// When a child cannot be started, or ends by itself.
pub async fn run(demand: Demand, first_port: u16, stop: impl Future<Output = ()>) -> io::Result<()> {
    let mut processes = start(demand, first_port).await?;
    let ended = tokio::select! {
        () = stop => Ok(()),
        ended = first_to_end(&mut processes) => ended,
    };
    for process in processes.iter_mut().rev() {
        process.end().await;
    }
    ended
}

async fn start(demand: Demand, first_port: u16) -> io::Result<Vec<Process>> {
    let port = |offset: u16| if first_port == 0 { "0".into() } else { first_port.saturating_add(offset).to_string() };
    let mut warehouse = Process::start("warehouse", &["warehouse", "--port", &port(3)])?;
    let warehouse_at = warehouse.address().await?;
    let pricing = |class, port: String| {
        ["pricing", "--class", class, "--port", &port, "--warehouse", &warehouse_at].map(String::from)
    };
    let mut blue = Process::start("pricing blue", &pricing("blue", port(1)))?;
    let mut green = Process::start("pricing green", &pricing("green", port(2)))?;
    let both = format!("{},{}", blue.address().await?, green.address().await?);
    let arguments = ["storefront", "--port", &port(0), "--pricing", &both, "--warehouse", &warehouse_at];
    let mut storefront = Process::start("storefront", &arguments)?;
    let storefront_at = storefront.address().await?;
    let load = Process::start("load", &load_arguments(demand, storefront_at))?;
    Ok(vec![warehouse, blue, green, storefront, load])
}

fn load_arguments(demand: Demand, storefront: String) -> Vec<String> {
    let Demand { seed, rate, orders } = demand;
    let mut arguments = ["load", "--seed", &seed.to_string(), "--rate", &rate.to_string()].map(String::from).to_vec();
    arguments.extend(["--storefront".into(), storefront]);
    if let Some(orders) = orders {
        arguments.extend(["--orders".into(), orders.to_string()]);
    }
    arguments
}

/// Passes on what the children say; returns when the first of them ends.
async fn first_to_end(processes: &mut [Process]) -> io::Result<()> {
    let mut talks: Vec<_> = processes.iter_mut().map(|process| Box::pin(process.talk())).collect();
    std::future::poll_fn(|context| {
        let ready = talks.iter_mut().map(|talk| talk.as_mut().poll(context)).find(|poll| poll.is_ready());
        ready.unwrap_or(std::task::Poll::Pending)
    })
    .await
}

impl Process {
    fn start(name: &'static str, arguments: &[impl AsRef<std::ffi::OsStr>]) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--stop-with-stdin")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("a child without standard output"))?;
        Ok(Self { name, child, lines: BufReader::new(stdout).lines() })
    }

    /// The address in the first line a service says.
    async fn address(&mut self) -> io::Result<String> {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await??.unwrap_or_default();
        say(&format!("{}: {line}", self.name));
        let address = line.split_whitespace().last().filter(|word| word.starts_with("http://"));
        address.map(String::from).ok_or_else(|| io::Error::other(format!("{} did not start", self.name)))
    }

    /// Passes on its lines until it ends.
    async fn talk(&mut self) -> io::Result<()> {
        while let Some(line) = self.lines.next_line().await? {
            say(&format!("{}: {line}", self.name));
        }
        let status = self.child.wait().await?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("{} ended with {status}", self.name))) }
    }

    async fn end(&mut self) {
        drop(self.child.stdin.take());
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}
