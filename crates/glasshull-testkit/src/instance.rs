use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures::{SinkExt, StreamExt};
use glasshull_wire::v1::{
    CallBatch, Function, Functions, Hello, Instance, Outcome, ProbeReport, ProbeState, Report, ToHub, ToInstance,
    Welcome, to_hub, to_instance,
};
use glasshull_wire::{BatchWriter, CallRow, Message as _, PROTOCOL, SESSION_PATH};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::PATIENCE;

/// A client of the session protocol without an SDK in it: it says what it is told to say, also what no SDK would.
pub struct TestInstance {
    socket: WebSocketStream<TcpStream>,
    /// What it says of itself.
    pub said: Instance,
}

impl TestInstance {
    /// Connects and says nothing.
    ///
    /// # Errors
    /// The hub's answer to the upgrade, where it is a no.
    pub async fn connect(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{address}{SESSION_PATH}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header's value"));
        }
        let stream = TcpStream::connect(address).await?;
        let (socket, _) = client_async(request, stream).await?;
        Ok(Self { socket, said: described("test") })
    }

    /// Connects, says `Hello` and is welcomed.
    pub async fn welcomed(address: SocketAddr, service: &str) -> Self {
        Self::welcomed_as(address, described(service)).await.0
    }

    /// The same, as a certain instance; with the welcome.
    pub async fn welcomed_as(address: SocketAddr, said: Instance) -> (Self, Welcome) {
        let mut instance = Self::connect(address, &[]).await.expect("the hub takes it");
        instance.said = said;
        match instance.hello().await {
            Some(to_instance::Message::Welcome(welcome)) => (instance, welcome),
            other => panic!("no welcome: {other:?}"),
        }
    }

    /// Says `Hello`; what is answered.
    pub async fn hello(&mut self) -> Option<to_instance::Message> {
        let hello = Hello { protocol_min: PROTOCOL, protocol_max: PROTOCOL, instance: Some(self.said.clone()) };
        self.send(to_hub::Message::Hello(hello)).await;
        self.next().await
    }

    /// Announces functions.
    pub async fn announce(&mut self, paths: &[&str]) {
        let function = |(index, path): (usize, &&str)| Function {
            index: index as u32,
            path: (*path).to_owned(),
            file: "src/lib.rs".into(),
            line: 10 * (index as u32 + 1),
            arguments: vec!["sku".into()],
            is_async: false,
        };
        let functions = Functions { functions: paths.iter().enumerate().map(function).collect() };
        self.send(to_hub::Message::Functions(functions)).await;
    }

    /// Reports on a probe.
    pub async fn report(&mut self, probe_id: &str, state: ProbeState, functions: u32, captured: u64) {
        let probe =
            ProbeReport { probe_id: probe_id.into(), state: state as i32, functions, captured, ..Default::default() };
        self.report_costs(0, 0, probe).await;
    }

    /// Reports on a probe, and what all probes may take and took of this process's CPU time, in parts per million.
    pub async fn report_costs(&mut self, cpu_budget_ppm: u32, cpu_share_ppm: u32, probe: ProbeReport) {
        let report = Report { probes: vec![probe], cpu_budget_ppm, cpu_share_ppm, ..Report::default() };
        self.send(to_hub::Message::Report(report)).await;
    }

    /// Sends a message.
    pub async fn send(&mut self, message: to_hub::Message) {
        self.send_bytes(ToHub { message: Some(message) }.encode_to_vec()).await;
    }

    /// Sends bytes as one binary message. A hub that has closed the connection is no failure of the sender.
    pub async fn send_bytes(&mut self, bytes: Vec<u8>) {
        let _ = self.socket.send(Message::Binary(bytes.into())).await;
    }

    /// Sends any WebSocket message.
    pub async fn send_raw(&mut self, message: Message) {
        let _ = self.socket.send(message).await;
    }

    /// The connection below the protocol, for bytes that are no WebSocket at all.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.socket.get_mut()
    }

    /// The next message; `None` when the hub has closed.
    ///
    /// # Panics
    /// If nothing comes in time, or something that is no message of the protocol.
    pub async fn next(&mut self) -> Option<to_instance::Message> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("the hub says something in time") {
                Some(Ok(Message::Binary(bytes))) => {
                    return ToInstance::decode(bytes.as_ref()).expect("a message of the protocol").message;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next refusal's code; what else comes before it is passed over. `None` when the hub has closed without one.
    pub async fn refusal(&mut self) -> Option<String> {
        while let Some(message) = self.next().await {
            if let to_instance::Message::Refusal(refusal) = message {
                return Some(refusal.code);
            }
        }
        None
    }

    /// The next acknowledged sequence; what else comes before it is passed over.
    pub async fn ack(&mut self) -> Option<u64> {
        while let Some(message) = self.next().await {
            if let to_instance::Message::Ack(ack) = message {
                return Some(ack.sequence);
            }
        }
        None
    }

    /// The ids of the probes it is told next.
    pub async fn probes(&mut self) -> Option<Vec<String>> {
        while let Some(message) = self.next().await {
            if let to_instance::Message::Probes(probes) = message {
                return Some(probes.probes.into_iter().map(|probe| probe.probe_id).collect());
            }
        }
        None
    }
}

/// An instance of a service that nobody has seen before.
fn described(service: &str) -> Instance {
    static INSTANCES: AtomicU64 = AtomicU64::new(1);
    let number = INSTANCES.fetch_add(1, Relaxed);
    Instance {
        instance_id: u128::from(number).to_be_bytes().to_vec(),
        service: service.into(),
        name: format!("{service}-{number}"),
        class: "blue".into(),
        release: "1.0.0".into(),
        host: "localhost".into(),
        pid: 1,
        sdk: "testkit".into(),
        ..Instance::default()
    }
}

/// Batches of calls of one function.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The function's path.
    pub function: String,
    /// When the first began; each next one begins a microsecond later.
    pub started_at_ns: i64,
    /// The first call's id; each next one's is higher by one.
    pub first_id: u64,
}

impl Calls {
    /// A batch of so many calls, each with its place among them as its argument `sku`.
    pub fn batch(&self, sequence: u64, calls: u64) -> CallBatch {
        let mut writer = BatchWriter::default();
        let described =
            || Function { path: self.function.clone(), file: "src/lib.rs".into(), line: 10, ..Default::default() };
        let function = writer.function(0, described);
        let thread = writer.thread(1, || "main".into());
        for call in 0..calls {
            let args = format!("{{\"sku\":\"A{call}\"}}");
            writer.push(&CallRow {
                function,
                thread,
                trace_id: u128::from(self.first_id).to_be_bytes(),
                call_id: self.first_id + call,
                started_at_ns: self.started_at_ns + 1_000 * call as i64,
                duration_ns: 500,
                outcome: Outcome::Returned as i32,
                args: Some(&args),
                returned: Some("0"),
                ..CallRow::default()
            });
        }
        writer.finish(sequence)
    }
}
