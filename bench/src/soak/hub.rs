//! A hub that fares badly: it goes away and comes back, is slow, deaf and refuses, forgets what it has not stored, and
//! acknowledges what it has stored only when it is asked again. What it has stored it keeps, and looks at.

use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use glasshull_wire::{Calls, Message as _, PROTOCOL, v1};
use tungstenite::{Error, Message, WebSocket};

use crate::Outcome;
use crate::chance::Chance;

/// How often it looks whether there is something to say.
const LOOK: Duration = Duration::from_millis(10);

/// How long a write may take before the connection counts as broken.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// How the hub fares. All of it may change at any time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    pub(crate) is_down: bool,
    /// Before each message it reads.
    pub(crate) delay: Duration,
    /// Of how many batches it loses one with the connection, before and after storing it; 0: none.
    pub(crate) loses_one_in: u64,
    /// Of how many batches it refuses one; 0: none.
    pub(crate) refuses_one_in: u64,
    /// The pause it asks for with each acknowledgement, in milliseconds.
    pub(crate) wait_ms: u32,
    pub(crate) probes: v1::Probes,
}

/// What it holds, and what it heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    /// Of calls that ended, in order of arrival.
    pub(crate) ended: Vec<u64>,
    pub(crate) running: u64,
    /// Batches that came again.
    pub(crate) repeated: u64,
    /// Of calls that ended, in batches it refused. One whose refusal was lost with the connection comes again.
    pub(crate) refused: Vec<u64>,
    pub(crate) sessions: u64,
    pub(crate) report: v1::Report,
    pub(crate) most_buffered: u64,
    pub(crate) sequence: u64,
    /// Something came that should not have.
    pub(crate) wrong: Vec<String>,
}

/// The hub, on threads of its own.
#[derive(Clone)]
pub(crate) struct Hub {
    address: SocketAddr,
    inside: Arc<Inside>,
}

struct Inside {
    fate: Mutex<Fate>,
    stored: Mutex<Stored>,
    chance: Mutex<Chance>,
    connection: Mutex<Option<TcpStream>>,
}

impl Hub {
    pub(crate) fn start(seed: u64) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let inside = Arc::new(Inside {
            fate: Mutex::default(),
            stored: Mutex::default(),
            chance: Mutex::new(Chance::of(seed)),
            connection: Mutex::default(),
        });
        let hub = Self { address, inside };
        let serving = hub.clone();
        std::thread::spawn(move || serving.live(listener));
        Ok(hub)
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes how it fares; one that goes down takes its connections with it.
    pub(crate) fn fare(&self, change: impl FnOnce(&mut Fate)) {
        let mut fate = self.fate();
        change(&mut fate);
        if fate.is_down {
            self.hang_up();
        }
    }

    fn hang_up(&self) {
        if let Some(connection) = lock(&self.inside.connection).take() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn stored(&self) -> MutexGuard<'_, Stored> {
        lock(&self.inside.stored)
    }

    fn fate(&self) -> MutexGuard<'_, Fate> {
        lock(&self.inside.fate)
    }

    fn chance(&self, one_in: u64) -> bool {
        one_in > 0 && lock(&self.inside.chance).one_in(one_in)
    }

    /// One session at a time: there is one instance. While it is down, nobody listens.
    fn live(&self, first: TcpListener) {
        let mut listener = Some(first);
        loop {
            if self.fate().is_down {
                listener = None;
            } else if listener.is_none() {
                listener = TcpListener::bind(self.address).ok();
            }
            let stream = listener.as_ref().and_then(accept);
            match stream {
                Some(stream) => {
                    // A session that broke is the program's to open again.
                    let _ = self.serve(stream);
                    self.hang_up();
                }
                None => std::thread::sleep(LOOK),
            }
        }
    }

    /// Until the connection breaks, from whichever end.
    fn serve(&self, stream: TcpStream) -> Outcome {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(WRITE_WITHIN))?;
        stream.set_write_timeout(Some(WRITE_WITHIN))?;
        *lock(&self.inside.connection) = Some(stream.try_clone()?);
        let mut socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
        socket.get_ref().set_read_timeout(Some(LOOK))?;
        let mut told = 0;
        while !self.fate().is_down {
            let Fate { delay, probes, .. } = self.fate().clone();
            std::thread::sleep(delay);
            match socket.read() {
                Ok(Message::Binary(bytes)) => self.hear(&mut socket, v1::ToHub::decode(bytes)?, &mut told)?,
                Ok(_) => {}
                Err(Error::Io(error)) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {}
                Err(error) => return Err(error.into()),
            }
            if told > 0 && told < probes.revision {
                told = probes.revision;
                say(&mut socket, v1::to_instance::Message::Probes(probes))?;
            }
        }
        Ok(())
    }

    fn hear(&self, socket: &mut WebSocket<TcpStream>, message: v1::ToHub, told: &mut u64) -> Outcome {
        match message.message {
            Some(v1::to_hub::Message::Hello(_)) => {
                let probes = self.fate().probes.clone();
                *told = probes.revision;
                let mut stored = self.stored();
                stored.sessions += 1;
                // It may say too little: then what it has comes again.
                let durable_sequence = if self.chance(2) { stored.sequence } else { 0 };
                let (hub, probes) = ("soak".into(), Some(probes));
                let welcome = v1::Welcome { protocol: PROTOCOL, durable_sequence, probes, hub, refused: Vec::new() };
                say(socket, v1::to_instance::Message::Welcome(welcome))
            }
            Some(v1::to_hub::Message::Batch(batch)) => self.take(socket, &batch),
            Some(v1::to_hub::Message::Report(report)) => {
                let mut stored = self.stored();
                stored.most_buffered = stored.most_buffered.max(report.buffered_bytes);
                stored.report = report;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take(&self, socket: &mut WebSocket<TcpStream>, batch: &v1::CallBatch) -> Outcome {
        let Fate { loses_one_in, refuses_one_in, wait_ms, .. } = self.fate().clone();
        if self.chance(loses_one_in) {
            return Err("lost before it was stored".into());
        }
        let sequence = batch.sequence;
        if self.chance(refuses_one_in) && sequence > self.stored().sequence {
            self.stored().refuse(batch);
            let (code, message) = ("SOAK".into(), "chance would have it".into());
            let refusal = v1::Refusal { code, message, sequence, ..Default::default() };
            return say(socket, v1::to_instance::Message::Refusal(refusal));
        }
        self.stored().store(batch);
        if self.chance(loses_one_in) {
            return Err("lost before it was acknowledged".into());
        }
        say(socket, v1::to_instance::Message::Ack(v1::Ack { sequence, wait_ms }))
    }
}

impl Stored {
    /// As the hub's journal does: what it holds it does not take again.
    fn store(&mut self, batch: &v1::CallBatch) {
        if batch.sequence <= self.sequence {
            self.repeated += 1;
            return;
        }
        self.sequence = batch.sequence;
        let ended = self.ended_in(batch);
        self.running += u64::from(batch.calls) - ended.len() as u64;
        self.ended.extend(ended);
    }

    fn refuse(&mut self, batch: &v1::CallBatch) {
        let ended = self.ended_in(batch);
        self.refused.extend(ended);
    }

    fn ended_in(&mut self, batch: &v1::CallBatch) -> Vec<u64> {
        match Calls::decode(batch) {
            Ok(calls) => {
                let rows = calls.call_id.into_iter().zip(calls.outcome);
                rows.filter(|(_, how)| *how != v1::Outcome::Running).map(|(id, _)| id).collect()
            }
            Err(error) => {
                self.wrong.push(format!("a batch cannot be read: {error}"));
                Vec::new()
            }
        }
    }
}

/// Somebody who waits to be let in.
fn accept(listener: &TcpListener) -> Option<TcpStream> {
    listener.set_nonblocking(true).ok()?;
    listener.accept().ok().map(|(stream, _)| stream)
}

fn say(socket: &mut WebSocket<TcpStream>, message: v1::to_instance::Message) -> Outcome {
    let bytes = v1::ToInstance { message: Some(message) }.encode_to_vec();
    Ok(socket.send(Message::Binary(bytes.into()))?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
