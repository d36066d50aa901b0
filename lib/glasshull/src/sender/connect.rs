//! Connecting, on a thread of its own that lives as long as one attempt: looking a name up can block for long, and the
//! rings must be emptied meanwhile.

use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use glasshull_wire::limits::MAX_MESSAGE_BYTES;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::Request;
use tungstenite::http::HeaderValue;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, WebSocket};

use super::Address;
use super::session::Session;

/// One attempt to reach one of a host's addresses.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// Silence during the handshake.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The whole handshake, for a peer that sends a byte now and then.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(15);

/// What is read at once, of messages that are mostly short. The library fills as much with zeros before each look whether
/// there is something to be read: a thousand times a second while calls come.
const READ_BYTES: usize = 4 * 1024;

/// An attempt under way.
pub(crate) struct Attempt {
    progress: Receiver<Progress>,
    stream: Option<(TcpStream, Instant)>,
}

enum Progress {
    /// The TCP connection is there; with this handle the handshake can be ended.
    Reached(TcpStream),
    Done(Box<Result<Session, String>>),
}

impl Attempt {
    pub(crate) fn begin(address: Address, key: Option<String>) -> std::io::Result<Self> {
        let (sender, progress) = mpsc::channel();
        std::thread::Builder::new().name("glasshull-connect".into()).spawn(move || {
            let done = connect(&address, key.as_deref(), &sender);
            // Nobody listens any more if the agent was stopped meanwhile.
            let _ = sender.send(Progress::Done(Box::new(done)));
        })?;
        Ok(Self { progress, stream: None })
    }

    /// The outcome, once there is one.
    pub(crate) fn poll(&mut self) -> Option<Result<Session, String>> {
        loop {
            match self.progress.try_recv() {
                Ok(Progress::Reached(stream)) => self.stream = Some((stream, Instant::now())),
                Ok(Progress::Done(done)) => return Some(*done),
                Err(TryRecvError::Disconnected) => return Some(Err("the attempt ended without an outcome".into())),
                Err(TryRecvError::Empty) => break,
            }
        }
        if let Some((stream, since)) = &self.stream
            && since.elapsed() > HANDSHAKE_WITHIN
        {
            // Makes the thread's next read fail.
            let _ = stream.shutdown(Shutdown::Both);
        }
        None
    }
}

fn connect(address: &Address, key: Option<&str>, progress: &Sender<Progress>) -> Result<Session, String> {
    let stream = reach(address)?;
    let told = |error: std::io::Error| error.to_string();
    stream.set_nodelay(true).map_err(told)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(told)?;
    stream.set_write_timeout(Some(ANSWER_WITHIN)).map_err(told)?;
    let _ = progress.send(Progress::Reached(stream.try_clone().map_err(told)?));
    let socket = handshake(request(address, key)?, stream)?;
    Session::new(socket).map_err(told)
}

fn reach(address: &Address) -> Result<TcpStream, String> {
    let candidates = (address.host.as_str(), address.port).to_socket_addrs();
    let mut last = format!("the name {} has no address", address.host);
    for candidate in candidates.map_err(|error| format!("the name {} is unknown: {error}", address.host))? {
        match TcpStream::connect_timeout(&candidate, CONNECT_WITHIN) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("{candidate}: {error}"),
        }
    }
    Err(last)
}

fn request(address: &Address, key: Option<&str>) -> Result<Request, String> {
    let mut request = address.session_url().into_client_request().map_err(|error| error.to_string())?;
    if let Some(key) = key {
        let value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|error| error.to_string())?;
        request.headers_mut().insert("authorization", value);
    }
    Ok(request)
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
        .max_write_buffer_size(2 * MAX_MESSAGE_BYTES)
}

pub(crate) type Socket = WebSocket<TcpStream>;

fn handshake(request: Request, stream: TcpStream) -> Result<Socket, String> {
    let done = tungstenite::client::client_with_config(request, stream, Some(config()));
    done.map(|(socket, _)| socket).map_err(|error| match error {
        HandshakeError::Interrupted(_) => no_answer(),
        HandshakeError::Failure(error) => explain(error),
    })
}

fn no_answer() -> String {
    format!("no answer within {} s", ANSWER_WITHIN.as_secs())
}

fn explain(error: Error) -> String {
    match error {
        Error::Http(response) if matches!(response.status().as_u16(), 401 | 403) => {
            format!("it refuses the key ({}): check GLASSHULL_KEY", response.status())
        }
        Error::Http(response) => format!("it answers {}: is this address a Glasshull hub's?", response.status()),
        other => other.to_string(),
    }
}
