//! A small hub for these tests: it speaks the real protocol over a real socket, keeps what it is sent, and can be told
//! to misbehave. And the drawing of calls as trees.
#![allow(dead_code, unreachable_pub)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use glasshull_wire::v1::{self, Outcome, to_hub, to_instance};
use glasshull_wire::{Calls, Message as _};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::{Message, WebSocket};

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One call as the hub got it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: String,
    pub trace_id: [u8; 16],
    pub call_id: u64,
    pub parent_id: Option<u64>,
    pub started_at_ns: i64,
    pub duration_ns: u64,
    pub idle_ns: u64,
    pub outcome: Outcome,
    pub depth: u32,
    pub position: u32,
    pub thread: String,
    pub args: String,
    pub returned: Option<String>,
    pub error: Option<String>,
}

#[derive(Default)]
pub struct State {
    pub hellos: Vec<v1::Hello>,
    pub functions: BTreeMap<u32, v1::Function>,
    /// In order of arrival, running ones too.
    pub rows: Vec<Call>,
    pub batches: Vec<u64>,
    pub refused: Vec<u64>,
    /// When each of these came.
    pub batches_at: Vec<Instant>,
    /// When it answered last.
    pub acked_at: Option<Instant>,
    pub reports: Vec<v1::Report>,
    pub goodbyes: usize,
    durable: HashMap<Vec<u8>, u64>,
    probes: v1::Probes,
    connections: Vec<TcpStream>,
}

/// What the hub does wrong.
#[derive(Default)]
pub struct Faults {
    /// Loses each batch, and all that come over the same connection afterwards.
    pub no_acks: AtomicBool,
    /// Takes connections and never says or reads anything.
    pub mute: AtomicBool,
    /// Refuses batches with this sequence.
    pub refuse: AtomicU64,
    /// What it says of batches, refused or stored, is lost with the connection.
    pub lost_answers: AtomicBool,
    /// Asks for a pause in batches with each acknowledgement.
    pub wait_ms: AtomicU32,
    /// Sends bytes that are no message.
    pub garbage: AtomicBool,
    /// Drops connections right after the welcome.
    pub drops: AtomicBool,
    /// The key it asks for.
    pub key: Mutex<Option<String>>,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    faults: Faults,
}

pub struct TestHub {
    shared: Arc<Shared>,
    pub address: SocketAddr,
}

impl TestHub {
    pub fn start() -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// On an address a hub had before.
    pub fn start_at(address: SocketAddr) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match TcpListener::bind(address) {
                Ok(listener) => return Self::listen(listener),
                Err(error) if Instant::now() > deadline => panic!("{address}: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn listen(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.faults.stopped.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || serve(&shared, stream.unwrap()));
            }
        });
        Self { shared, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// The probes an instance is given when it connects.
    pub fn first_probes(&self, probes: Vec<v1::Probe>) {
        self.state().probes = v1::Probes { revision: 1, probes };
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        for connection in self.state().connections.drain(..) {
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Waits for what must happen.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, mut happened: impl FnMut(&mut State) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        loop {
            if let Some(done) = happened(&mut state) {
                return done;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "never happened: {what}; calls: {:#?}; reports: {:?}",
                state.rows,
                state.reports.last()
            );
            state = self.shared.changed.wait_timeout(state, left.min(Duration::from_millis(50))).unwrap().0;
        }
    }

    /// Sends probes and waits until the instance says it has them.
    #[track_caller]
    pub fn probe(&self, probes: Vec<v1::Probe>) {
        let revision = {
            let mut state = self.state();
            state.probes = v1::Probes { revision: state.probes.revision + 1, probes };
            state.probes.revision
        };
        self.wait("the probes are in place", |state| {
            state.reports.iter().any(|report| report.revision == revision).then_some(())
        });
    }

    /// The calls of which the last row is not `running`, with that row.
    #[track_caller]
    pub fn calls(&self, count: usize) -> Vec<Call> {
        self.wait(&format!("{count} calls"), |state| Some(state.ended()).filter(|calls| calls.len() >= count))
    }

    /// The last report about a probe, once it is as wanted.
    #[track_caller]
    pub fn report(&self, probe_id: &str, wanted: impl Fn(&v1::ProbeReport) -> bool) -> v1::ProbeReport {
        self.wait("a report as wanted", |state| {
            let last = state.reports.last()?.probes.iter().find(|probe| probe.probe_id == probe_id)?;
            wanted(last).then(|| last.clone())
        })
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.shared.faults.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        self.cut();
    }
}

impl State {
    pub fn ended(&self) -> Vec<Call> {
        let mut last: BTreeMap<u64, &Call> = BTreeMap::new();
        last.extend(self.rows.iter().map(|row| (row.call_id, row)));
        let ended = last.into_values().filter(|row| row.outcome != Outcome::Running);
        ended.cloned().collect()
    }
}

/// A probe without tight limits.
pub fn probe(pattern: &str) -> v1::Probe {
    v1::Probe {
        probe_id: pattern.into(),
        patterns: vec![pattern.into()],
        remaining_ns: 60_000_000_000,
        max_calls: 100_000,
        max_calls_per_second: 1_000_000,
        ..v1::Probe::default()
    }
}

fn serve(shared: &Shared, stream: TcpStream) {
    shared.state.lock().unwrap().connections.push(stream.try_clone().unwrap());
    if shared.faults.mute.load(Ordering::Relaxed) {
        while !shared.faults.stopped.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        return;
    }
    let key = shared.faults.key.lock().unwrap().clone();
    #[allow(clippy::result_large_err)] // tungstenite's own type
    let check = move |request: &Request, response: Response| match key {
        Some(key) if request.headers().get("authorization").is_none_or(|sent| sent != &format!("Bearer {key}")) => {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = tungstenite::http::StatusCode::UNAUTHORIZED;
            Err(refusal)
        }
        _ => Ok(response),
    };
    let Ok(mut socket) = tungstenite::accept_hdr(stream, check) else { return };
    socket.get_ref().set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    let mut session = Session { instance: Vec::new(), revision: 0, lost: false };
    loop {
        match socket.read() {
            Ok(Message::Binary(bytes)) => {
                let message = v1::ToHub::decode(bytes).unwrap().message.unwrap();
                session.hear(shared, &mut socket, message);
                shared.changed.notify_all();
                if shared.faults.drops.load(Ordering::Relaxed) {
                    let _ = socket.get_ref().shutdown(std::net::Shutdown::Both);
                    return;
                }
            }
            Ok(_) => {}
            Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        session.send_probes(shared, &mut socket);
    }
}

struct Session {
    instance: Vec<u8>,
    revision: u64,
    /// A batch was lost. None after it is acknowledged, as that would be said of the lost one too.
    lost: bool,
}

fn send(socket: &mut WebSocket<TcpStream>, message: to_instance::Message) {
    let _ = socket.send(Message::Binary(v1::ToInstance { message: Some(message) }.encode_to_vec().into()));
}

impl Session {
    fn hear(&mut self, shared: &Shared, socket: &mut WebSocket<TcpStream>, message: to_hub::Message) {
        let mut state = shared.state.lock().unwrap();
        match message {
            to_hub::Message::Hello(hello) => {
                self.instance = hello.instance.as_ref().unwrap().instance_id.clone();
                self.revision = state.probes.revision;
                let durable_sequence = state.durable.get(&self.instance).copied().unwrap_or(0);
                let probes = Some(state.probes.clone());
                state.hellos.push(hello);
                let refused = state.refused.clone();
                let welcome = v1::Welcome { protocol: 1, durable_sequence, probes, hub: "test".into(), refused };
                if shared.faults.garbage.load(Ordering::Relaxed) {
                    let _ = socket.send(Message::Binary(vec![0xFF; 1_000].into()));
                    let _ = socket.send(Message::Text("what?".into()));
                }
                send(socket, to_instance::Message::Welcome(welcome));
            }
            to_hub::Message::Functions(functions) => {
                state.functions.extend(functions.functions.into_iter().map(|function| (function.index, function)));
            }
            to_hub::Message::Batch(batch) => self.take(shared, &mut state, socket, &batch),
            to_hub::Message::Report(report) => state.reports.push(report),
            to_hub::Message::Goodbye(_) => state.goodbyes += 1,
        }
    }

    fn take(&mut self, shared: &Shared, state: &mut State, socket: &mut WebSocket<TcpStream>, batch: &v1::CallBatch) {
        if shared.faults.refuse.load(Ordering::Relaxed) == batch.sequence {
            state.refused.push(batch.sequence);
            if shared.faults.lost_answers.load(Ordering::Relaxed) {
                return;
            }
            let refusal = v1::Refusal {
                code: "GH0000".into(),
                message: "no".into(),
                sequence: batch.sequence,
                ..Default::default()
            };
            return send(socket, to_instance::Message::Refusal(refusal));
        }
        self.lost |= shared.faults.no_acks.load(Ordering::Relaxed);
        if self.lost {
            return;
        }
        let durable = state.durable.entry(self.instance.clone()).or_default();
        if batch.sequence > *durable {
            *durable = batch.sequence;
            state.batches.push(batch.sequence);
            state.batches_at.push(Instant::now());
            state.rows.extend(rows(batch));
        }
        if shared.faults.lost_answers.load(Ordering::Relaxed) {
            return;
        }
        state.acked_at = Some(Instant::now());
        let wait_ms = shared.faults.wait_ms.load(Ordering::Relaxed);
        send(socket, to_instance::Message::Ack(v1::Ack { sequence: batch.sequence, wait_ms }));
    }

    fn send_probes(&mut self, shared: &Shared, socket: &mut WebSocket<TcpStream>) {
        let probes = shared.state.lock().unwrap().probes.clone();
        if !self.instance.is_empty() && probes.revision != self.revision {
            self.revision = probes.revision;
            send(socket, to_instance::Message::Probes(probes));
        }
    }
}

fn rows(batch: &v1::CallBatch) -> Vec<Call> {
    let calls = Calls::decode(batch).unwrap();
    let row = |i: usize| {
        let row = calls.row(i);
        Call {
            function: calls.functions[row.function as usize].path.clone(),
            trace_id: row.trace_id,
            call_id: row.call_id,
            parent_id: row.parent_id,
            started_at_ns: row.started_at_ns,
            duration_ns: row.duration_ns,
            idle_ns: row.idle_ns,
            outcome: Outcome::try_from(row.outcome).unwrap(),
            depth: row.depth,
            position: row.position,
            thread: calls.threads[row.thread as usize].clone(),
            args: row.args.unwrap_or("null").to_owned(),
            returned: row.returned.map(str::to_owned),
            error: row.error.map(str::to_owned),
        }
    };
    for text in (0..calls.len()).flat_map(|i| [calls.args.get(i), calls.returned.get(i), calls.error.get(i)]).flatten()
    {
        serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|error| panic!("no JSON: {error}: {text}"));
    }
    (0..calls.len()).map(row).collect()
}

/// Draws calls as trees, each on a line: `function {arguments} -> returned`, `!! error`, `** panic`, `~~ cancelled`.
pub fn draw(calls: &[Call]) -> String {
    let mut out = String::from("\n");
    let ids: Vec<u64> = calls.iter().map(|call| call.call_id).collect();
    let mut roots: Vec<&Call> =
        calls.iter().filter(|call| call.parent_id.is_none_or(|parent| !ids.contains(&parent))).collect();
    roots.sort_by_key(|call| call.started_at_ns);
    roots.iter().for_each(|root| draw_below(&mut out, calls, root, 0));
    out
}

fn draw_below(out: &mut String, calls: &[Call], call: &Call, level: usize) {
    let name = call.function.split_once("::").map_or(call.function.as_str(), |(_, name)| name);
    let end = match call.outcome {
        Outcome::Returned => format!("-> {}", call.returned.as_deref().unwrap_or("?")),
        Outcome::Error => format!("!! {}", call.error.as_deref().unwrap_or("?")),
        Outcome::Panicked => format!("** {}", call.error.as_deref().unwrap_or("?")),
        Outcome::Cancelled => "~~".to_owned(),
        other => format!("{other:?}"),
    };
    let _ = writeln!(out, "{}{name} {} {end}", "    ".repeat(level), call.args);
    let mut children: Vec<&Call> = calls.iter().filter(|child| child.parent_id == Some(call.call_id)).collect();
    children.sort_by_key(|child| child.position);
    for (place, child) in children.iter().enumerate() {
        assert_eq!(child.position as usize, place, "positions of {name}'s children");
        assert_eq!((child.depth, child.trace_id), (call.depth + 1, call.trace_id), "{}", child.function);
        draw_below(out, calls, child, level + 1);
    }
}

/// An agent of its own for a test. A test does nothing but captured calls: the governor would leave some out.
pub fn agent(hub: &TestHub) -> glasshull::Guard {
    glasshull::builder().hub(hub.url()).service("test").cpu_budget(0.0).flush_within(PATIENCE).start().unwrap()
}

/// Runs code under a probe and draws what comes to the hub.
#[track_caller]
pub fn captured(pattern: &str, run: impl FnOnce()) -> String {
    let hub = TestHub::start();
    let agent = agent(&hub);
    hub.probe(vec![probe(pattern)]);
    agent.context().in_scope(run);
    assert!(agent.flush(PATIENCE));
    let calls = hub.state().ended();
    draw(&calls)
}
