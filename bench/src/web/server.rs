//! The servers, each a process of its own: one route, `POST /quote`.

use std::io::Write;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use bytes::Bytes;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::net::TcpListener;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

use super::orders::{Order, Quote, Refused, absent, instrumented, traced};
use crate::Outcome;

/// Which of the three copies of the functions answers.
#[derive(Clone, Copy)]
enum Code {
    Absent,
    Traced,
    Instrumented,
}

/// Serves until standard input closes; tells its address first. Where the hub or the collector is says the environment.
pub(crate) fn be_a_server(name: &str) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match name {
        "absent" => runtime.block_on(serve(Code::Absent)),
        "traced" => {
            // The governor would cut back what is to be measured.
            let _guard = glasshull::builder().service("bench").cpu_budget(0.0).init();
            runtime.block_on(serve(Code::Traced))
        }
        "otel" => {
            let provider = export()?;
            runtime.block_on(serve(Code::Instrumented))?;
            Ok(provider.shutdown()?)
        }
        other => Err(format!("there is no server `{other}`").into()),
    }
}

async fn serve(code: Code) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let app = Router::new().route("/quote", post(answer)).with_state(code);
    let told = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        served = axum::serve(listener, app) => Ok(served?),
        _ = told => Ok(()),
    }
}

async fn answer(State(code): State<Code>, Json(order): Json<Order>) -> Result<Json<Quote>, (StatusCode, String)> {
    let quote = match code {
        Code::Absent => absent::quote(&order).await,
        Code::Traced => traced::quote(&order).await,
        Code::Instrumented => instrumented::quote(&order).await,
    };
    quote.map(Json).map_err(|refused: Refused| (StatusCode::CONFLICT, refused.to_string()))
}

/// Spans of `tracing` go to a collector in batches, in the way OpenTelemetry's pages show it.
fn export() -> Outcome<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new())
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(Duration::from_secs(10))
        .build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    tracing_subscriber::registry().with(LevelFilter::INFO).with(layer).init();
    Ok(provider)
}

/// The exporter's own, `reqwest`, would change the features of what the hub is built with.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new() -> Self {
        Self(ureq::Agent::new_with_defaults())
    }
}

#[async_trait]
impl HttpClient for Client {
    /// Waits, as the exporter's thread has nothing else to do.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let (parts, mut body) = self.0.run(Request::from_parts(parts, body.to_vec()))?.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
