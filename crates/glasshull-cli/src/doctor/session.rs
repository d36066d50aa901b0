//! A session as an SDK opens it: through the same proxies, with the same key. It asks for a protocol version that does
//! not exist, so that the refusal it gets proves the whole way and leaves no trace at the hub.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use glasshull_api::Code;
use glasshull_wire::v1::{Hello, Instance, ToHub, ToInstance, to_hub, to_instance};
use glasshull_wire::{Message as _, SESSION_PATH};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::http::{HeaderValue, header};
use tungstenite::{Error, Message};

use super::Finding;
use crate::client::Client;

/// Each step of the conversation.
const WITHIN: Duration = Duration::from_secs(5);

/// Messages that may come before the answer.
const MAX_MESSAGES: usize = 8;

const WHAT: &str = "session";

pub(super) fn check(client: &Client) -> Finding {
    match converse(client) {
        Ok(refusal) if refusal.starts_with(Code::WireVersion.text()) => {
            Finding::ok(WHAT, "SDKs can open a session from here (tried with one that says nothing).")
        }
        Ok(refusal) => {
            Finding::failed(WHAT, format!("A session is refused: {refusal}"), "docs/failures has a page for the code.")
        }
        Err(why) => Finding::failed(
            WHAT,
            format!("An SDK could not open a session: {why}."),
            "If a proxy stands between, let it pass WebSocket upgrades on /sdk/v1 and the Authorization header.",
        ),
    }
}

/// The refusal, or why there was none.
fn converse(client: &Client) -> Result<String, String> {
    let host = client.url.trim_start_matches("http://");
    let mut request = format!("ws://{host}{SESSION_PATH}")
        .into_client_request()
        .map_err(|error| format!("the address is wrong ({error})"))?;
    if let Some(key) = &client.key {
        let bearer = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| "the key has strange characters")?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    let stream = connect(host)?;
    let (mut socket, _) = tungstenite::client(request, stream).map_err(|error| match error {
        HandshakeError::Failure(Error::Http(response)) => {
            format!("the upgrade was answered with {}", response.status())
        }
        HandshakeError::Failure(error) => error.to_string(),
        HandshakeError::Interrupted(_) => "the upgrade was not answered in time".to_owned(),
    })?;
    socket.send(Message::Binary(hello().into())).map_err(|error| error.to_string())?;
    for _ in 0..MAX_MESSAGES {
        match socket.read().map_err(|error| format!("no answer came ({error})"))? {
            Message::Binary(bytes) => return refusal(&bytes),
            Message::Close(_) => return Err("the hub closed without a word".into()),
            _ => {}
        }
    }
    Err("no answer came".into())
}

fn connect(host: &str) -> Result<TcpStream, String> {
    let with_port = if host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let mut addresses = with_port.to_socket_addrs().map_err(|error| format!("the host is not found ({error})"))?;
    let address = addresses.next().ok_or("the host has no address")?;
    let stream = TcpStream::connect_timeout(&address, WITHIN).map_err(|error| error.to_string())?;
    stream
        .set_read_timeout(Some(WITHIN))
        .and_then(|()| stream.set_write_timeout(Some(WITHIN)))
        .map_err(|error| error.to_string())?;
    Ok(stream)
}

/// Version 0 was never spoken.
fn hello() -> Vec<u8> {
    let instance =
        Instance { sdk: concat!("glasshull-doctor ", env!("CARGO_PKG_VERSION")).into(), ..Instance::default() };
    let hello = Hello { protocol_min: 0, protocol_max: 0, instance: Some(instance) };
    ToHub { message: Some(to_hub::Message::Hello(hello)) }.encode_to_vec()
}

fn refusal(bytes: &[u8]) -> Result<String, String> {
    match ToInstance::decode(bytes).map(|answer| answer.message) {
        Ok(Some(to_instance::Message::Refusal(refusal))) => Ok(format!("{}: {}", refusal.code, refusal.message)),
        Ok(_) => Err("the hub answered something else than a refusal".into()),
        Err(error) => Err(format!("the answer is no message of the protocol ({error})")),
    }
}
