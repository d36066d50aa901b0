//! A stand-in for the hub: it takes one session, orders one probe or none, acknowledges everything, keeps nothing.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use glasshull_wire::{Calls, Message as _, PROTOCOL, v1};
use tungstenite::{Message, WebSocket};

use crate::Outcome;

/// How long the SDK may take to connect and to obey.
const PATIENCE: Duration = Duration::from_secs(30);

/// The stand-in, running on threads of its own until the process ends.
pub(crate) struct StandIn {
    address: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Batches are to be unpacked, and looked into.
    unpacks: bool,
    connected: AtomicBool,
    probed: AtomicBool,
    captured: AtomicU64,
    roots: AtomicU64,
    reports: AtomicU64,
    report: Mutex<v1::Report>,
}

impl StandIn {
    /// Orders all calls of functions that match the pattern.
    pub(crate) fn start(pattern: &str) -> Outcome<Self> {
        Self::ordering(vec![probe(pattern)], false)
    }

    /// The same, and looks into what arrives.
    pub(crate) fn attentive(pattern: &str) -> Outcome<Self> {
        Self::ordering(vec![probe(pattern)], true)
    }

    /// Orders nothing.
    pub(crate) fn idle() -> Outcome<Self> {
        Self::ordering(Vec::new(), false)
    }

    fn ordering(probes: Vec<v1::Probe>, unpacks: bool) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        let seen = Arc::new(Seen { unpacks, ..Seen::default() });
        let (order, noted) = (v1::Probes { revision: 1, probes }, seen.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A session that breaks off is the SDK's to open again.
                let _ = serve(stream, &order, &noted);
            }
        });
        Ok(Self { address, seen })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until the SDK has said that it captures.
    pub(crate) fn wait_until_probed(&self) -> Outcome {
        wait(&self.seen.probed, "The SDK did not take the probe.")
    }

    /// Waits until the SDK has a session.
    pub(crate) fn wait_until_connected(&self) -> Outcome {
        wait(&self.seen.connected, "The SDK did not connect.")
    }

    /// Processor time the SDK's thread has taken, by a report that was made from now on.
    pub(crate) fn sender_cpu(&self) -> Outcome<Duration> {
        let (before, deadline) = (self.seen.reports.load(Ordering::Acquire), Instant::now() + PATIENCE);
        while self.seen.reports.load(Ordering::Acquire) < before + 2 {
            if Instant::now() > deadline {
                return Err("The SDK does not report.".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Duration::from_nanos(self.report().sender_cpu_ns))
    }

    /// Calls the SDK says it lost, by its last report.
    pub(crate) fn dropped(&self) -> u64 {
        self.drops().iter().map(|(_, calls)| calls).sum()
    }

    /// The same by reason.
    pub(crate) fn drops(&self) -> [(&'static str, u64); 6] {
        let drops = self.report().drops.unwrap_or_default();
        [
            ("lost: a ring was full", drops.ring_full),
            ("lost: no room for a ring", drops.no_ring),
            ("lost: the sender's buffer was full", drops.buffer_full),
            ("lost: the hub refused them", drops.refused),
            ("lost: too many calls were open", drops.open_full),
            ("lost: an end without its beginning", drops.unclaimed),
        ]
    }

    /// Calls that arrived. One that takes long arrives twice, while it runs and when it has ended; where the stand-in is
    /// attentive it counts once.
    pub(crate) fn captured(&self) -> u64 {
        self.seen.captured.load(Ordering::Acquire)
    }

    /// The first calls of requests among them, where it is attentive.
    pub(crate) fn roots(&self) -> u64 {
        self.seen.roots.load(Ordering::Acquire)
    }

    /// What the SDK said last of how capturing goes.
    fn report(&self) -> v1::Report {
        self.seen.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn wait(until: &AtomicBool, else_say: &str) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    while !until.load(Ordering::Acquire) {
        if Instant::now() > deadline {
            return Err(else_say.into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn probe(pattern: &str) -> v1::Probe {
    v1::Probe {
        probe_id: "p1".into(),
        patterns: vec![pattern.into()],
        remaining_ns: Duration::from_secs(3_600).as_nanos() as u64,
        max_calls: u64::MAX,
        max_calls_per_second: u32::MAX,
        sample_one_in: 1,
        owner: "bench".into(),
        ..Default::default()
    }
}

fn serve(stream: TcpStream, order: &v1::Probes, seen: &Seen) -> Outcome {
    stream.set_nodelay(true)?;
    let mut socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
    loop {
        let Message::Binary(bytes) = socket.read()? else { continue };
        match v1::ToHub::decode(bytes)?.message {
            Some(v1::to_hub::Message::Hello(_)) => {
                say(&mut socket, welcome(order))?;
                seen.connected.store(true, Ordering::Release);
            }
            Some(v1::to_hub::Message::Batch(batch)) => {
                seen.take(&batch)?;
                let ack = v1::Ack { sequence: batch.sequence, wait_ms: 0 };
                say(&mut socket, v1::to_instance::Message::Ack(ack))?;
            }
            Some(v1::to_hub::Message::Report(report)) => {
                let active = report.probes.iter().any(|probe| probe.functions > 0);
                seen.probed.fetch_or(active, Ordering::AcqRel);
                *seen.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
                seen.reports.fetch_add(1, Ordering::AcqRel);
            }
            _ => {}
        }
    }
}

impl Seen {
    fn take(&self, batch: &v1::CallBatch) -> Outcome {
        let (mut ended, mut roots) = (u64::from(batch.calls), 0);
        if self.unpacks {
            let calls = Calls::decode(batch).map_err(|error| error.to_string())?;
            let rows = calls.parent_id.iter().zip(&calls.outcome).filter(|(_, how)| **how != v1::Outcome::Running);
            let of =
                |parents: Vec<bool>| (parents.len() as u64, parents.iter().filter(|is_root| **is_root).count() as u64);
            (ended, roots) = of(rows.map(|(parent, _)| parent.is_none()).collect());
        }
        self.captured.fetch_add(ended, Ordering::AcqRel);
        self.roots.fetch_add(roots, Ordering::AcqRel);
        Ok(())
    }
}

fn welcome(order: &v1::Probes) -> v1::to_instance::Message {
    v1::to_instance::Message::Welcome(v1::Welcome {
        protocol: PROTOCOL,
        durable_sequence: 0,
        probes: Some(order.clone()),
        hub: "stand-in".into(),
        refused: Vec::new(),
    })
}

fn say(socket: &mut WebSocket<TcpStream>, message: v1::to_instance::Message) -> Outcome {
    let bytes = v1::ToInstance { message: Some(message) }.encode_to_vec();
    Ok(socket.send(Message::Binary(bytes.into()))?)
}
