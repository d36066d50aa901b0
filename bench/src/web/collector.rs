//! Where OpenTelemetry's spans go: it takes them, counts them, and keeps nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;
use prost::Message;
use tokio::net::TcpListener;

use crate::Outcome;

/// A collector, running until it is dropped.
pub(crate) struct Collector {
    endpoint: String,
    spans: Arc<AtomicU64>,
    _runtime: tokio::runtime::Runtime,
}

impl Collector {
    pub(crate) fn start() -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let endpoint = format!("http://{}/v1/traces", listener.local_addr()?);
        let spans = Arc::<AtomicU64>::default();
        let route = post(take).layer(DefaultBodyLimit::disable());
        let app = Router::new().route("/v1/traces", route).with_state(spans.clone());
        runtime.spawn(axum::serve(listener, app).into_future());
        Ok(Self { endpoint, spans, _runtime: runtime })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Spans that arrived.
    pub(crate) fn spans(&self) -> u64 {
        self.spans.load(Ordering::Acquire)
    }
}

/// An empty answer is an `ExportTraceServiceResponse` that accepts everything.
async fn take(State(spans): State<Arc<AtomicU64>>, body: Bytes) -> StatusCode {
    let Ok(export) = Export::decode(body) else { return StatusCode::BAD_REQUEST };
    let scopes = export.resources.iter().flat_map(|resource| &resource.scopes);
    spans.fetch_add(scopes.map(|scope| scope.spans.len() as u64).sum(), Ordering::AcqRel);
    StatusCode::OK
}

/// As much of OTLP's `ExportTraceServiceRequest` as counting takes.
#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<Resource>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<Scope>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(bytes = "bytes", repeated, tag = "2")]
    spans: Vec<Bytes>,
}
