//! An instance that does nothing but send: the wire protocol by hand, as fast as the hub acknowledges.

use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use glasshull_wire::{BatchWriter, CallRow, Message as _, PROTOCOL, SESSION_PATH, v1};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use crate::Outcome;

/// Calls in one batch: what the SDK packs under load.
pub(crate) const BATCH_CALLS: u64 = 4_096;

/// Batches on their way: enough that the hub never waits for us.
const WINDOW: u64 = 4;

/// Calls of one request.
const CALLS_PER_TRACE: u64 = 16;

/// A session with a hub.
pub(crate) struct Firehose {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    sent: u64,
    acknowledged: u64,
}

impl Firehose {
    /// Connects as an instance of the service `firehose`.
    pub(crate) fn connect(hub: &str) -> Outcome<Self> {
        let url = format!("{}{SESSION_PATH}", hub.replacen("http", "ws", 1));
        let (socket, _) = tungstenite::connect(url)?;
        let mut firehose = Self { socket, sent: 0, acknowledged: 0 };
        firehose.say(v1::to_hub::Message::Hello(hello()))?;
        firehose.say(v1::to_hub::Message::Functions(v1::Functions { functions: vec![function()] }))?;
        Ok(firehose)
    }

    /// Sends a number of batches and waits until the last is durable.
    pub(crate) fn send(&mut self, batches: u64) -> Outcome {
        for _ in 0..batches {
            self.sent += 1;
            let batch = batch(self.sent);
            self.say(v1::to_hub::Message::Batch(batch))?;
            while self.sent - self.acknowledged >= WINDOW {
                self.hear()?;
            }
        }
        while self.acknowledged < self.sent {
            self.hear()?;
        }
        Ok(())
    }

    fn say(&mut self, message: v1::to_hub::Message) -> Outcome {
        let bytes = v1::ToHub { message: Some(message) }.encode_to_vec();
        Ok(self.socket.send(Message::Binary(bytes.into()))?)
    }

    fn hear(&mut self) -> Outcome {
        let Message::Binary(bytes) = self.socket.read()? else { return Ok(()) };
        match v1::ToInstance::decode(bytes)?.message {
            Some(v1::to_instance::Message::Ack(ack)) => {
                self.acknowledged = ack.sequence;
                std::thread::sleep(std::time::Duration::from_millis(ack.wait_ms.into()));
                Ok(())
            }
            Some(v1::to_instance::Message::Refusal(refusal)) => Err(refusal.message.into()),
            _ => Ok(()),
        }
    }
}

fn hello() -> v1::Hello {
    let id = now_ns().to_be_bytes();
    let instance = v1::Instance {
        instance_id: [id, id].concat(),
        service: "firehose".into(),
        name: "firehose-1".into(),
        host: "bench".into(),
        pid: std::process::id(),
        started_at_ns: now_ns(),
        sdk: "bench".into(),
        ..Default::default()
    };
    v1::Hello { protocol_min: PROTOCOL, protocol_max: PROTOCOL, instance: Some(instance) }
}

fn function() -> v1::Function {
    v1::Function {
        index: 1,
        path: "shop::pricing::quote::price".into(),
        file: "src/pricing/quote.rs".into(),
        line: 30,
        arguments: ["order_id", "sku", "quantity"].map(String::from).to_vec(),
        is_async: false,
    }
}

/// Calls as a shop would make them: ids that differ, numbers that vary, words that repeat.
fn batch(sequence: u64) -> v1::CallBatch {
    let mut writer = BatchWriter::default();
    let started = now_ns();
    for i in 0..BATCH_CALLS {
        let call = sequence * BATCH_CALLS + i;
        let mixed = call.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let args = format!(
            r#"{{"order_id":"{mixed:016x}-{call:012x}","sku":"TEAPOT-{:02}","quantity":{}}}"#,
            mixed >> 60,
            mixed >> 62
        );
        let returned = (mixed >> 48).to_string();
        let row = CallRow {
            function: writer.function(1, function),
            thread: writer.thread(1, || "tokio-rt-worker".into()),
            trace_id: u128::from(call / CALLS_PER_TRACE + 1).to_be_bytes(),
            call_id: call,
            parent_id: (i % CALLS_PER_TRACE > 0).then(|| call - 1),
            started_at_ns: started + i as i64 * 1_000,
            duration_ns: mixed >> 44,
            outcome: v1::Outcome::Returned as i32,
            args: Some(&args),
            returned: Some(&returned),
            ..CallRow::default()
        };
        writer.push(&row);
    }
    writer.finish(sequence)
}

/// Nanoseconds since 1970.
pub(crate) fn now_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}
