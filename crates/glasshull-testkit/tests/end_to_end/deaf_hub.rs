//! A hub that orders everything to be captured, and then never reads again.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use glasshull_wire::{Message as _, PROTOCOL, v1};
use tungstenite::{Message, WebSocket};

/// Starts one, until the test process ends; returns its address.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let greeted = listener.incoming().flatten().filter_map(greet);
        // Sessions stay open, and their bytes where they are.
        let _sessions: Vec<WebSocket<TcpStream>> = greeted.collect();
    });
    format!("http://{address}")
}

/// Reads the greeting, answers with a probe for everything.
fn greet(stream: TcpStream) -> Option<WebSocket<TcpStream>> {
    let mut session = tungstenite::accept(stream).ok()?;
    session.read().ok()?;
    let probe = v1::Probe {
        probe_id: "p1".into(),
        patterns: vec!["*".into()],
        remaining_ns: Duration::from_secs(600).as_nanos() as u64,
        max_calls: 1_000_000,
        max_calls_per_second: 1_000_000,
        ..Default::default()
    };
    let probes = Some(v1::Probes { revision: 1, probes: vec![probe] });
    let welcome = v1::Welcome { protocol: PROTOCOL, probes, ..Default::default() };
    let message = v1::ToInstance { message: Some(v1::to_instance::Message::Welcome(welcome)) };
    session.send(Message::Binary(message.encode_to_vec().into())).ok()?;
    Some(session)
}
