use std::error::Error;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures::StreamExt;
use glasshull_api::{Code, Failure};
use glasshull_wire::entries::{Bound, within};
use glasshull_wire::limits::{MAX_ARGUMENTS, MAX_FUNCTIONS_PER_MESSAGE, MAX_MESSAGE_BYTES, MAX_PROBES};
use glasshull_wire::v1::{Refusal, ToHub, ToInstance, to_instance};
use prost::Message as _;
use prost::bytes::Bytes;
use tungstenite::error::ProtocolError;

use crate::limits::SEND_WITHIN;

/// Entries of repeated fields in one message, by field numbers of `ToHub`: functions, their arguments, probe reports.
/// Reports may name some probes more than an instance can have, as those that just ended are reported once more.
const BOUNDS: [Bound; 3] = [
    Bound { path: &[2, 1], most: MAX_FUNCTIONS_PER_MESSAGE },
    Bound { path: &[2, 1, 5], most: MAX_FUNCTIONS_PER_MESSAGE * MAX_ARGUMENTS },
    Bound { path: &[4, 2], most: 2 * MAX_PROBES },
];

/// What comes in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message, with its size in bytes.
    Message(Box<ToHub>, usize),
    /// A sign of life without content.
    Alive,
    /// The connection ended, in good order or not.
    Gone,
    /// Something that is no message of the protocol.
    Malformed(&'static str),
}

/// A WebSocket that carries the protocol's messages and nothing else.
pub(super) struct Socket(WebSocket);

impl Socket {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self(socket)
    }

    /// The next thing that comes in. Can be dropped while it waits: nothing is lost.
    pub(super) async fn next(&mut self) -> Incoming {
        self.next_within(MAX_MESSAGE_BYTES).await
    }

    /// The same, where no message may have more than so many bytes. A larger one is not unpacked.
    pub(super) async fn next_within(&mut self, most: usize) -> Incoming {
        match self.0.next().await {
            Some(Ok(Message::Binary(bytes))) if bytes.len() > most => {
                Incoming::Malformed("a message is larger than allowed")
            }
            Some(Ok(Message::Binary(bytes))) => decode(&bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::Alive,
            Some(Ok(Message::Text(_))) => Incoming::Malformed("a text message came where binary ones are expected"),
            Some(Ok(Message::Close(_))) | None => Incoming::Gone,
            Some(Err(error)) => broken(&error),
        }
    }

    /// Sends a message; `false` if the other side is gone or does not read.
    pub(super) async fn send(&mut self, message: to_instance::Message) -> bool {
        let bytes = ToInstance { message: Some(message) }.encode_to_vec();
        self.send_within(Message::Binary(bytes.into())).await
    }

    /// Asks whether the other side is still there.
    pub(super) async fn ping(&mut self) -> bool {
        self.send_within(Message::Ping(Bytes::new())).await
    }

    /// Says why, and closes.
    pub(super) async fn refuse(mut self, failure: &Failure, retry_after: Duration) {
        let refusal = refusal(failure, retry_after, 0, true);
        if self.send(to_instance::Message::Refusal(refusal)).await {
            self.close().await;
        }
    }

    /// Ends the connection in good order, as far as the other side takes part.
    pub(super) async fn close(mut self) {
        let frame = CloseFrame { code: close_code::NORMAL, reason: Default::default() };
        if !self.send_within(Message::Close(Some(frame))).await {
            return;
        }
        // What still comes is read and forgotten: closing with unread bytes would take the refusal back.
        let drain = async { while !matches!(self.next().await, Incoming::Gone) {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), drain).await;
    }

    async fn send_within(&mut self, message: Message) -> bool {
        matches!(tokio::time::timeout(SEND_WITHIN, self.0.send(message)).await, Ok(Ok(())))
    }
}

/// A refusal, ready to be sent.
pub(super) fn refusal(failure: &Failure, retry_after: Duration, sequence: u64, closing: bool) -> Refusal {
    let hint = failure.hint.iter().fold(String::new(), |text, hint| text + " " + hint);
    Refusal {
        code: failure.code.clone(),
        message: failure.message.clone() + &hint,
        retry_after_ms: u32::try_from(retry_after.as_millis()).unwrap_or(u32::MAX),
        sequence,
        closing,
    }
}

/// What a malformed message is refused with.
pub(super) fn malformed(what: &str) -> Failure {
    Failure::new(Code::WireMalformed, format!("The session is closed: {what}."))
}

fn decode(bytes: &Bytes) -> Incoming {
    if !within(&BOUNDS, bytes) {
        return Incoming::Malformed("a message has more entries than are allowed");
    }
    match ToHub::decode(bytes.as_ref()) {
        Ok(message) => Incoming::Message(Box::new(message), bytes.len()),
        Err(_) => Incoming::Malformed("a message is no `ToHub`"),
    }
}

/// A frame that is too large or breaks WebSocket's rules is a fault of the other side; the rest are faults of the line.
fn broken(error: &axum::Error) -> Incoming {
    match error.source().and_then(|source| source.downcast_ref::<tungstenite::Error>()) {
        Some(tungstenite::Error::Capacity(_)) => Incoming::Malformed("a message is larger than allowed"),
        Some(tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Incoming::Gone,
        Some(tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_) | tungstenite::Error::AttackAttempt) => {
            Incoming::Malformed("a frame breaks the rules of WebSocket")
        }
        _ => Incoming::Gone,
    }
}
