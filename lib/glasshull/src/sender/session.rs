//! One connection to a hub. It never waits: the thread has rings to empty. (Waiting on the socket would make the ticks
//! as coarse as its timeouts are, several milliseconds on common kernels.)

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use glasshull_wire::Message as _;
use glasshull_wire::entries::within_instance_limits;
use glasshull_wire::v1::{ToHub, ToInstance, to_hub, to_instance};
use tungstenite::{Bytes, Error, Message};

use super::connect::Socket;

/// How long the hub may take nothing while something waits to be written.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// Silence after which the hub is asked whether it is there.
const PING_AFTER: Duration = Duration::from_secs(15);

/// Silence after which it is not.
const DEAD_AFTER: Duration = Duration::from_secs(45);

pub(crate) struct Session {
    socket: Socket,
    /// Something waits to be written since then.
    unwritten_since: Option<Instant>,
    heard: Instant,
    pinged: Instant,
}

impl Session {
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        socket.get_ref().set_nonblocking(true)?;
        let now = Instant::now();
        Ok(Self { socket, unwritten_since: None, heard: now, pinged: now })
    }

    /// Whether everything handed over is on its way.
    pub(crate) fn is_writable(&self) -> bool {
        self.unwritten_since.is_none()
    }

    pub(crate) fn send(&mut self, message: to_hub::Message) -> Result<(), String> {
        self.send_encoded(ToHub { message: Some(message) }.encode_to_vec().into())
    }

    /// Sends an encoded `ToHub`.
    pub(crate) fn send_encoded(&mut self, message: Bytes) -> Result<(), String> {
        self.write(Message::Binary(message))
    }

    fn write(&mut self, message: Message) -> Result<(), String> {
        match self.socket.write(message) {
            Ok(()) => self.flush(),
            // The message waits inside the socket.
            Err(error) if is_timeout(&error) => {
                self.unwritten_since.get_or_insert_with(Instant::now);
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Writes on what waits.
    pub(crate) fn flush(&mut self) -> Result<(), String> {
        match self.socket.flush() {
            Ok(()) => self.unwritten_since = None,
            Err(error) if is_timeout(&error) => {
                let since = *self.unwritten_since.get_or_insert_with(Instant::now);
                if since.elapsed() > STUCK_AFTER {
                    return Err(format!("it takes nothing since {} s", STUCK_AFTER.as_secs()));
                }
            }
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    }

    /// The next message, if there is one. What cannot be read is passed over, as a later version may say it.
    pub(crate) fn receive(&mut self) -> Result<Option<to_instance::Message>, String> {
        let received = match self.socket.read() {
            Ok(received) => received,
            Err(error) if is_timeout(&error) => return self.check_alive().map(|()| None),
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Err("it closed the connection".into()),
            Err(error) => return Err(error.to_string()),
        };
        self.heard = Instant::now();
        match received {
            Message::Binary(bytes) if !within_instance_limits(&bytes) => {
                Err("it sent more probes, patterns or conditions than an instance takes".into())
            }
            Message::Binary(bytes) => Ok(ToInstance::decode(bytes).ok().and_then(|message| message.message)),
            Message::Close(_) => Err("it closed the connection".into()),
            _ => Ok(None),
        }
    }

    fn check_alive(&mut self) -> Result<(), String> {
        let silence = self.heard.elapsed();
        if silence > DEAD_AFTER {
            return Err(format!("nothing was heard of it for {} s", DEAD_AFTER.as_secs()));
        }
        if silence > PING_AFTER && self.pinged.elapsed() > PING_AFTER && self.is_writable() {
            self.pinged = Instant::now();
            return self.write(Message::Ping(Bytes::new()));
        }
        Ok(())
    }

    /// Says that nothing follows.
    pub(crate) fn close(mut self) {
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
    }
}

impl Drop for Session {
    /// A forked child may hold the socket, too: closing it here would not end the connection.
    fn drop(&mut self) {
        let _ = self.socket.get_ref().shutdown(Shutdown::Write);
    }
}

fn is_timeout(error: &Error) -> bool {
    matches!(error, Error::Io(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted))
}
