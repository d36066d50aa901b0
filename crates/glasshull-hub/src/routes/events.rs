use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use glasshull_api::Code;
use glasshull_api::answers::LiveEvent;
use glasshull_api::failure::FailureBody;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::http::Refused;
use crate::hub::Parts;
use crate::limits::MAX_LISTENERS;
use crate::live::json;

/// A comment after so much silence, so that nobody on the way thinks the connection dead.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// What changes, as it changes: server-sent events, each `data:` one `LiveEvent` as JSON.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    operation_id = "live",
    responses(
        (status = 200, description = "Events without end", body = LiveEvent, content_type = "text/event-stream"),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn live(
    State(parts): State<Arc<Parts>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    let listener = Listener {
        place: place(&parts)?,
        events: parts.live.subscribe(),
        next: VecDeque::from([json(&LiveEvent::Probes(parts.lists.list_probes()))]),
        parts,
    };
    Ok(events(stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((text, listener))
    })))
}

/// One of the listeners' places.
pub(super) fn place(parts: &Parts) -> Result<OwnedSemaphorePermit, Refused> {
    parts.live.place().ok_or_else(|| {
        let refused = Refused::new(Code::TooManyListeners, format!("{MAX_LISTENERS} clients listen, as many as may."));
        parts.metrics.refused(&refused.0);
        refused
    })
}

/// Texts as server-sent events.
pub(super) fn events(
    texts: impl Stream<Item = Arc<str>> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    use futures::StreamExt;
    let events = texts.map(|text| Ok(Event::default().data(&*text)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Listener {
    parts: Arc<Parts>,
    events: Receiver<Arc<str>>,
    next: VecDeque<Arc<str>>,
    #[expect(dead_code, reason = "held until the listener goes")]
    place: OwnedSemaphorePermit,
}

impl Listener {
    /// The next event; `None` when the hub stops.
    async fn next(&mut self) -> Option<Arc<str>> {
        if let Some(text) = self.next.pop_front() {
            return Some(text);
        }
        let stopping = self.parts.stopping.clone();
        match stopping.run_until_cancelled(self.events.recv()).await? {
            Ok(text) => Some(text),
            Err(RecvError::Closed) => None,
            Err(RecvError::Lagged(_)) => {
                // Only the newest state matters.
                self.events = self.events.resubscribe();
                self.next.push_back(json(&LiveEvent::InstancesChanged));
                Some(json(&LiveEvent::Probes(self.parts.lists.list_probes())))
            }
        }
    }
}
