//! Connections: how many, how long a head may take, and how they end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceExt;

use super::patience::Patience;
use crate::limits::{HEAD_WITHIN, MAX_HEAD_BYTES, READS_WITHIN};
use crate::metrics::Metrics;

/// After an accept that failed (out of file descriptors, foremost): give others time to end.
const PAUSE_AFTER_FAULT: Duration = Duration::from_millis(50);

/// A connection's place among those that may be open. Whatever the connection becomes holds it: a session does, too.
#[derive(Clone, Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held")] Arc<(OwnedSemaphorePermit, TaskTrackerToken)>);

/// What serving takes.
pub(crate) struct Server {
    pub(crate) routes: Router,
    pub(crate) max_connections: usize,
    pub(crate) metrics: Arc<Metrics>,
    /// Accepts no more, and lets each connection end after what it is answering.
    pub(crate) stop: CancellationToken,
    /// Knows the open connections.
    pub(crate) connections: TaskTracker,
}

impl Server {
    /// Takes connections until it is told to stop. One above the limit is closed at once: whoever holds the others
    /// open must not make the hub hold more.
    pub(crate) async fn run(self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(self.max_connections));
        loop {
            let (stream, peer) = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(PAUSE_AFTER_FAULT).await;
                        continue;
                    }
                },
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                self.metrics.connections_refused.inc();
                continue;
            };
            let place = Place(Arc::new((place, self.connections.token())));
            tokio::spawn(serve(stream, peer, place, self.routes.clone(), self.stop.clone()));
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, place: Place, routes: Router, stop: CancellationToken) {
    // Acknowledgements and events are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (routes, place) = (routes.clone(), place.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(place);
            Ok::<_, Infallible>(routes.oneshot(request).await.unwrap_or_else(|never| match never {}))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(MAX_HEAD_BYTES);
    let stream = TokioIo::new(Patience::new(stream, READS_WITHIN));
    let mut connection = pin!(builder.serve_connection(stream, service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended badly");
    }
}
