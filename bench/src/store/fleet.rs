//! Forty instances that send what was packed: each a session of its own, which connects again where the hub says so, and
//! sends again what was not acknowledged.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

use glasshull_wire::{Message as _, PROTOCOL, SESSION_PATH, v1};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use super::batches::{self, Frame};
use super::workload::{self, FUNCTIONS, INSTANCES};
use crate::Outcome;
use crate::firehose::now_ns;

/// Batches of one instance on their way, where nobody waits for any one of them.
const WINDOW: usize = 2;

/// A session that gets no batch to disk for so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Before the next try where the hub does not say.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// How fast the batches are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// As fast as they are acknowledged.
    Top,
    /// So many calls a second, whether they are acknowledged or not.
    Of(f64),
}

/// What became of a number of batches: all of them are acknowledged.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) calls: u64,
    pub(super) seconds: f64,
    /// Milliseconds from the moment at which a batch was due to its acknowledgement.
    pub(super) milliseconds: Vec<f64>,
    /// How often a session had to be begun again.
    pub(super) reconnects: u64,
}

impl Sent {
    pub(super) fn calls_per_second(&self) -> f64 {
        self.calls as f64 / self.seconds
    }
}

/// A batch, and when it is to be sent.
struct Due {
    at: Instant,
    frame: Frame,
}

/// Sends batches to the hub at this address and waits until the last is acknowledged.
pub(super) fn send(hub: &str, frames: impl Iterator<Item = Outcome<Frame>>, pace: Pace) -> Outcome<Sent> {
    let began = Instant::now();
    let window = if matches!(pace, Pace::Top) { WINDOW } else { 1 };
    let mut sent = std::thread::scope(|scope| {
        let (senders, threads): (Vec<_>, Vec<_>) = (0..INSTANCES)
            .map(|instance| {
                let (sender, dues) = sync_channel(1);
                (sender, scope.spawn(move || Session::new(hub, instance, window).carry(&dues)))
            })
            .unzip();
        let calls = hand_out(&senders, frames, pace);
        drop(senders);
        let mut sent = join(threads)?;
        sent.calls = calls?;
        Ok::<_, Box<dyn std::error::Error>>(sent)
    })?;
    sent.seconds = began.elapsed().as_secs_f64();
    Ok(sent)
}

/// Hands each batch to its instance; returns the calls in them.
fn hand_out(senders: &[SyncSender<Due>], frames: impl Iterator<Item = Outcome<Frame>>, pace: Pace) -> Outcome<u64> {
    let (began, mut calls) = (Instant::now(), 0);
    for frame in frames {
        let frame = frame?;
        if let Pace::Of(calls_per_second) = pace {
            let due = began + Duration::from_secs_f64(calls as f64 / calls_per_second);
            sleep(due.saturating_duration_since(Instant::now()));
        }
        calls += u64::from(frame.calls);
        let sender = &senders[usize::from(frame.instance)];
        sender.send(Due { at: Instant::now(), frame }).map_err(|_| "a session ended early")?;
    }
    Ok(calls)
}

fn join(threads: Vec<ScopedJoinHandle<'_, Result<Sent, String>>>) -> Outcome<Sent> {
    let mut sum = Sent::default();
    for thread in threads {
        let sent = thread.join().map_err(|_| "a session panicked")??;
        sum.milliseconds.extend(sent.milliseconds);
        sum.reconnects += sent.reconnects;
    }
    Ok(sum)
}

/// One instance.
struct Session<'h> {
    hub: &'h str,
    instance: u8,
    window: usize,
    socket: Option<WebSocket<MaybeTlsStream<TcpStream>>>,
    sequence: u64,
    /// Not acknowledged: number, message, when it was due.
    pending: VecDeque<(u64, Message, Instant)>,
    /// Since when nothing was acknowledged that could have been.
    waits_since: Instant,
    sent: Sent,
}

impl<'h> Session<'h> {
    fn new(hub: &'h str, instance: u8, window: usize) -> Self {
        let (pending, sent) = (VecDeque::new(), Sent::default());
        Self { hub, instance, window, socket: None, sequence: 0, pending, waits_since: Instant::now(), sent }
    }

    fn carry(mut self, dues: &Receiver<Due>) -> Result<Sent, String> {
        self.connect().map_err(|error| error.to_string())?;
        for due in dues {
            self.sequence += 1;
            let batch = v1::to_hub::Message::Batch(due.frame.batch(self.sequence));
            let message = message(batch);
            if self.pending.is_empty() {
                self.waits_since = Instant::now();
            }
            self.pending.push_back((self.sequence, message.clone(), due.at));
            self.or_again(|session| session.socket()?.send(message).map_err(Into::into))?;
            self.wait_for_fewer_than(self.window)?;
        }
        self.wait_for_fewer_than(1)?;
        Ok(self.sent)
    }

    fn wait_for_fewer_than(&mut self, pending: usize) -> Result<(), String> {
        while self.pending.len() >= pending {
            self.or_again(Self::hear)?;
        }
        Ok(())
    }

    /// Does something that needs the connection; where that fails, connects again instead, which does as well.
    fn or_again(&mut self, what: impl FnOnce(&mut Self) -> Outcome) -> Result<(), String> {
        let Err(mut error) = what(self) else { return Ok(()) };
        while self.waits_since.elapsed() < PATIENCE {
            self.sent.reconnects += 1;
            sleep(RETRY_AFTER);
            match self.connect() {
                Ok(()) => return Ok(()),
                Err(again) => error = again,
            }
        }
        Err(format!("{}: {error}", workload::instance(self.instance)))
    }

    /// Connects, learns what the hub holds, and sends the rest.
    fn connect(&mut self) -> Outcome {
        let url = format!("{}{SESSION_PATH}", self.hub.replacen("http", "ws", 1));
        let (socket, _) = tungstenite::connect(url)?;
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
        }
        self.socket = Some(socket);
        self.say(v1::to_hub::Message::Hello(hello(self.instance)))?;
        while !self.hear_once()? {}
        let functions = (0..FUNCTIONS).map(batches::function).collect();
        self.say(v1::to_hub::Message::Functions(v1::Functions { functions }))?;
        let again: Vec<Message> = self.pending.iter().map(|(_, message, _)| message.clone()).collect();
        for message in again {
            self.socket()?.send(message)?;
        }
        Ok(())
    }

    fn say(&mut self, said: v1::to_hub::Message) -> Outcome {
        Ok(self.socket()?.send(message(said))?)
    }

    fn hear(&mut self) -> Outcome {
        self.hear_once().map(drop)
    }

    /// Takes one message; whether it was the welcome.
    fn hear_once(&mut self) -> Outcome<bool> {
        let Message::Binary(bytes) = self.socket()?.read()? else { return Ok(false) };
        match v1::ToInstance::decode(bytes)?.message {
            Some(v1::to_instance::Message::Welcome(welcome)) => {
                self.acknowledged(welcome.durable_sequence);
                self.sequence = self.sequence.max(welcome.durable_sequence);
                Ok(true)
            }
            Some(v1::to_instance::Message::Ack(ack)) => {
                self.acknowledged(ack.sequence);
                sleep(Duration::from_millis(ack.wait_ms.into()));
                Ok(false)
            }
            Some(v1::to_instance::Message::Refusal(refusal)) => {
                sleep(Duration::from_millis(refusal.retry_after_ms.into()));
                Err(refusal.message.into())
            }
            _ => Ok(false),
        }
    }

    fn acknowledged(&mut self, upto: u64) {
        while let Some((_, _, due)) = self.pending.pop_front_if(|(sequence, ..)| *sequence <= upto) {
            self.sent.milliseconds.push(due.elapsed().as_secs_f64() * 1e3);
            self.waits_since = Instant::now();
        }
    }

    fn socket(&mut self) -> Outcome<&mut WebSocket<MaybeTlsStream<TcpStream>>> {
        self.socket.as_mut().ok_or_else(|| "not connected".into())
    }
}

fn message(said: v1::to_hub::Message) -> Message {
    Message::Binary(v1::ToHub { message: Some(said) }.encode_to_vec().into())
}

fn hello(instance: u8) -> v1::Hello {
    let said = v1::Instance {
        // The same in each connection: its batches are numbered on.
        instance_id: ((0x0063_616c_6c73_u128 << 64) | (u128::from(instance) + 1)).to_be_bytes().to_vec(),
        service: workload::service(instance).into(),
        name: workload::instance(instance),
        class: workload::class(instance).into(),
        release: workload::RELEASE.into(),
        host: format!("node-{}", instance % 10),
        pid: u32::from(instance) + 1_000,
        started_at_ns: now_ns(),
        sdk: "bench".into(),
        ..Default::default()
    };
    v1::Hello { protocol_min: PROTOCOL, protocol_max: PROTOCOL, instance: Some(said) }
}
