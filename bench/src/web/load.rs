//! The load: a process of its own, in a closed loop over connections that stay open. It checks every answer.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::orders::{Order, absent};
use crate::Outcome;
use crate::report::quantile;

/// Orders that differ; then they come again.
const ORDERS: u64 = 4_096;

/// What an answer's head and body have at most, in bytes.
const ANSWER_BYTES: usize = 2_048;

/// How hard the server is worked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// For how long a connection rests after each answer.
    pub(crate) rest: Duration,
    pub(crate) within: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl Load {
    pub(crate) fn arguments(&self) -> [String; 3] {
        [self.connections.to_string(), self.rest.as_micros().to_string(), self.within.as_millis().to_string()]
    }

    fn parse([connections, rest, within]: [&str; 3]) -> Outcome<Self> {
        let rest = Duration::from_micros(rest.parse()?);
        Ok(Self { connections: connections.parse()?, rest, within: Duration::from_millis(within.parse()?) })
    }
}

impl Loaded {
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let value: Value = serde_json::from_str(text.trim())?;
        let number = |name: &str| value[name].as_f64().ok_or_else(|| format!("the load says `{text}`"));
        Ok(Self {
            requests: number("requests")? as u64,
            seconds: number("seconds")?,
            p50_us: number("p50_us")?,
            p99_us: number("p99_us")?,
        })
    }
}

/// Loads the server at an address, and tells what came of it as a line of JSON.
pub(crate) fn be_a_load(address: &str, load: [&str; 3]) -> Outcome {
    let (address, load) = (address.parse()?, Load::parse(load)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (seconds, nanoseconds) = runtime.block_on(LocalSet::new().run_until(run(address, load)))?;
    let us = |share| quantile(&nanoseconds, share) / 1e3;
    let requests = nanoseconds.len();
    let line = json!({ "requests": requests, "seconds": seconds, "p50_us": us(0.5), "p99_us": us(0.99) });
    crate::report::say(&line.to_string());
    Ok(())
}

/// How long it took, and each request's nanoseconds.
async fn run(address: SocketAddr, load: Load) -> Outcome<(f64, Vec<f64>)> {
    let mut exchanges = Vec::new();
    for number in 0..ORDERS {
        exchanges.push(exchange(number).await?);
    }
    let exchanges = Rc::<[Exchange]>::from(exchanges);
    let began = Instant::now();
    let converse = |first| tokio::task::spawn_local(converse(address, exchanges.clone(), first, load, began));
    let connections: Vec<_> = (0..load.connections).map(converse).collect();
    let mut all = Vec::new();
    for connection in connections {
        all.extend(connection.await??);
    }
    Ok((began.elapsed().as_secs_f64(), all))
}

/// A request as it is sent, and the answer's body.
struct Exchange {
    request: Vec<u8>,
    body: Vec<u8>,
}

async fn exchange(number: u64) -> Outcome<Exchange> {
    let order = Order::numbered(number);
    let asked = serde_json::to_string(&order)?;
    let head = "POST /quote HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length:";
    let request = format!("{head} {}\r\n\r\n{asked}", asked.len()).into_bytes();
    Ok(Exchange { request, body: serde_json::to_vec(&absent::quote(&order).await?)? })
}

/// One connection, until the time is over.
async fn converse(
    address: SocketAddr,
    exchanges: Rc<[Exchange]>,
    first: usize,
    load: Load,
    began: Instant,
) -> io::Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut nanoseconds = Vec::new();
    // Each connection begins elsewhere, so that the server never sees one order many times in a row.
    let numbers = (0..).map(|number| (number + first * 61) % exchanges.len());
    for Exchange { request, body } in numbers.map(|number| &exchanges[number]) {
        if began.elapsed() >= load.within {
            break;
        }
        let sent = Instant::now();
        stream.write_all(request).await?;
        read_answer(&mut stream, body).await?;
        nanoseconds.push(sent.elapsed().as_nanos() as f64);
        if !load.rest.is_zero() {
            tokio::time::sleep(load.rest).await;
        }
    }
    Ok(nanoseconds)
}

/// An answer is whole when the expected body has come after its head.
async fn read_answer(stream: &mut TcpStream, expected: &[u8]) -> io::Result<()> {
    let mut buffer = [0; ANSWER_BYTES];
    let mut filled = 0;
    loop {
        match stream.read(&mut buffer[filled..]).await? {
            0 => return Err(wrong(&buffer[..filled])),
            more => filled += more,
        }
        let answer = &buffer[..filled];
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        match head.and_then(|head| answer.get(head..)) {
            Some(body) if body == expected && answer.starts_with(b"HTTP/1.1 200") => return Ok(()),
            Some(body) if body.len() >= expected.len() => return Err(wrong(answer)),
            _ => {}
        }
    }
}

fn wrong(answer: &[u8]) -> io::Error {
    io::Error::other(format!("the server answers `{}`", String::from_utf8_lossy(answer)))
}
