//! A stand-in for the hub: it takes one session, orders one probe, acknowledges everything, keeps nothing.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use glasshull_wire::{Message as _, PROTOCOL, v1};
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
    probed: AtomicBool,
    captured: AtomicU64,
    reports: AtomicU64,
    sender_cpu_ns: AtomicU64,
    dropped: AtomicU64,
}

impl StandIn {
    /// Orders all calls of functions that match the pattern.
    pub(crate) fn start(pattern: &str) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        let seen = Arc::<Seen>::default();
        let (order, noted) = (probes(pattern), seen.clone());
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
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.probed.load(Ordering::Acquire) {
            if Instant::now() > deadline {
                return Err("The SDK did not take the probe.".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
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
        Ok(Duration::from_nanos(self.seen.sender_cpu_ns.load(Ordering::Acquire)))
    }

    /// Calls the SDK says it lost, by its last report.
    pub(crate) fn dropped(&self) -> u64 {
        self.seen.dropped.load(Ordering::Acquire)
    }

    /// Calls that arrived.
    pub(crate) fn captured(&self) -> u64 {
        self.seen.captured.load(Ordering::Acquire)
    }
}

fn probes(pattern: &str) -> v1::Probes {
    let probe = v1::Probe {
        probe_id: "p1".into(),
        patterns: vec![pattern.into()],
        remaining_ns: Duration::from_secs(3_600).as_nanos() as u64,
        max_calls: u64::MAX,
        max_calls_per_second: u32::MAX,
        sample_one_in: 1,
        owner: "bench".into(),
        ..Default::default()
    };
    v1::Probes { revision: 1, probes: vec![probe] }
}

fn serve(stream: TcpStream, order: &v1::Probes, seen: &Seen) -> Outcome {
    stream.set_nodelay(true)?;
    let mut socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
    loop {
        let Message::Binary(bytes) = socket.read()? else { continue };
        match v1::ToHub::decode(bytes)?.message {
            Some(v1::to_hub::Message::Hello(_)) => say(&mut socket, welcome(order))?,
            Some(v1::to_hub::Message::Batch(batch)) => {
                seen.captured.fetch_add(u64::from(batch.calls), Ordering::AcqRel);
                let ack = v1::Ack { sequence: batch.sequence, wait_ms: 0 };
                say(&mut socket, v1::to_instance::Message::Ack(ack))?;
            }
            Some(v1::to_hub::Message::Report(report)) => {
                let active = report.probes.iter().any(|probe| probe.functions > 0);
                seen.probed.fetch_or(active, Ordering::AcqRel);
                let drops = report.drops.unwrap_or_default();
                let dropped = drops.ring_full + drops.buffer_full + drops.no_ring + drops.open_full;
                seen.dropped.store(dropped, Ordering::Release);
                seen.sender_cpu_ns.store(report.sender_cpu_ns, Ordering::Release);
                seen.reports.fetch_add(1, Ordering::AcqRel);
            }
            _ => {}
        }
    }
}

fn welcome(order: &v1::Probes) -> v1::to_instance::Message {
    v1::to_instance::Message::Welcome(v1::Welcome {
        protocol: PROTOCOL,
        durable_sequence: 0,
        probes: Some(order.clone()),
        hub: "stand-in".into(),
    })
}

fn say(socket: &mut WebSocket<TcpStream>, message: v1::to_instance::Message) -> Outcome {
    let bytes = v1::ToInstance { message: Some(message) }.encode_to_vec();
    Ok(socket.send(Message::Binary(bytes.into()))?)
}
