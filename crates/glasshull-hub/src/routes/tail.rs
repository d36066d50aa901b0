use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures::stream::{self, Stream};
use glasshull_api::answers::TailEvent;
use glasshull_api::failure::FailureBody;
use glasshull_api::statement::Trace;
use glasshull_api::{Code, Failure};
use glasshull_catalog::FunctionRow;
use glasshull_wire::limits::MAX_NAME_BYTES;
use glasshull_wire::pattern;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::Instant;
use utoipa::IntoParams;

use super::events::{events, place};
use crate::http::Refused;
use crate::http::body::Parameters;
use crate::hub::Parts;
use crate::limits::{DEFAULT_TAIL_RATE, MAX_TAIL_RATE};
use crate::live::json;
use crate::probes;

const SECOND: Duration = Duration::from_secs(1);

/// Which calls a tail shows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct TailQuery {
    /// A pattern, as after `TRACE`: only calls of functions it matches.
    function: Option<String>,
    /// A probe's id: only calls it asks for.
    probe: Option<String>,
    /// At most so many calls a second; the rest is counted in `skipped` events. 50 where absent, at most 1000.
    #[param(minimum = 1, maximum = 1000)]
    max_per_second: Option<u32>,
}

/// Calls as they are acknowledged: server-sent events, each `data:` one `TailEvent` as JSON.
#[utoipa::path(
    get,
    path = "/api/v1/tail",
    operation_id = "tail",
    params(TailQuery),
    responses(
        (status = 200, description = "Events without end", body = TailEvent, content_type = "text/event-stream"),
        (status = "default", description = "A failure", body = FailureBody),
    )
)]
pub(super) async fn tail(
    State(parts): State<Arc<Parts>>,
    Parameters(query): Parameters<TailQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    let tail = Tail {
        filter: Filter::new(&parts, query.function, query.probe)?,
        rate: rate(query.max_per_second)?,
        place: place(&parts)?,
        batches: parts.store.subscribe(),
        parts,
        ready: VecDeque::new(),
        second: Instant::now(),
        shown: 0,
        skipped: 0,
        rows_of_last_batch: 1,
    };
    Ok(events(stream::unfold(tail, |mut tail| async move {
        let text = tail.next().await?;
        Some((text, tail))
    })))
}

fn rate(asked: Option<u32>) -> Result<u32, Refused> {
    match asked.unwrap_or(DEFAULT_TAIL_RATE) {
        rate @ 1..=MAX_TAIL_RATE => Ok(rate),
        _ => Err(Refused::new(Code::RequestMalformed, format!("`max_per_second` must be 1 to {MAX_TAIL_RATE}."))),
    }
}

/// Which rows a tail shows.
struct Filter {
    function: Option<String>,
    probe: Option<Arc<Trace>>,
    /// What was found out about a function, by service and path.
    known: HashMap<(String, String), bool>,
}

impl Filter {
    /// Functions whose answer is remembered; then the memory begins anew.
    const MAX_KNOWN: usize = 10_000;

    fn new(parts: &Parts, function: Option<String>, probe: Option<String>) -> Result<Self, Refused> {
        if function.as_ref().is_some_and(|pattern| pattern.is_empty() || pattern.len() > MAX_NAME_BYTES) {
            let message = format!("`function` must be 1 to {MAX_NAME_BYTES} bytes long.");
            return Err(Refused::new(Code::RequestMalformed, message));
        }
        let probe = match probe {
            None => None,
            Some(id) => Some(running(parts, &id)?),
        };
        Ok(Self { function, probe, known: HashMap::new() })
    }

    /// The rows to show.
    fn rows(&mut self, batch: &RecordBatch) -> Vec<usize> {
        if self.function.is_none() && self.probe.is_none() {
            return (0..batch.num_rows()).collect();
        }
        let column = |name| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(services), Some(functions), Some(files)) = (column("service"), column("function"), column("file"))
        else {
            return Vec::new();
        };
        let shows = |row: &usize| self.shows(services.value(*row), functions.value(*row), files.value(*row));
        (0..functions.len()).filter(shows).collect()
    }

    fn shows(&mut self, service: &str, function: &str, file: &str) -> bool {
        let key = (service.to_owned(), function.to_owned());
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let row = FunctionRow {
            service: service.into(),
            path: function.into(),
            file: file.into(),
            line: u32::MAX,
            ..FunctionRow::default()
        };
        let by_pattern = self.function.as_ref().is_none_or(|pattern| pattern::matches(pattern, function));
        let shows = by_pattern && self.probe.as_ref().is_none_or(|trace| probes::names(trace, &row));
        if self.known.len() >= Self::MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(key, shows);
        shows
    }
}

fn running(parts: &Parts, id: &str) -> Result<Arc<Trace>, Refused> {
    let orders = parts.probes.orders();
    let found = orders.into_iter().find(|(running, _)| running.eq_ignore_ascii_case(id));
    found.map(|(_, trace)| trace).ok_or_else(|| {
        Failure::new(Code::NotFound, format!("No probe {} is running.", id.chars().take(20).collect::<String>()))
            .hint("GET /api/v1/probes lists them.")
            .into()
    })
}

/// One listener of the calls that are acknowledged.
struct Tail {
    parts: Arc<Parts>,
    batches: Receiver<Arc<RecordBatch>>,
    filter: Filter,
    rate: u32,
    ready: VecDeque<Arc<str>>,
    /// When the second began in which `shown` calls were shown.
    second: Instant,
    shown: u32,
    skipped: u64,
    rows_of_last_batch: u64,
    #[expect(dead_code, reason = "held until the listener goes")]
    place: OwnedSemaphorePermit,
}

impl Tail {
    /// The next event; `None` when the hub stops.
    async fn next(&mut self) -> Option<Arc<str>> {
        let stopping = self.parts.stopping.clone();
        loop {
            self.tell_skipped();
            if let Some(text) = self.ready.pop_front() {
                return Some(text);
            }
            let second_ends = self.second + SECOND;
            tokio::select! {
                () = stopping.cancelled() => return None,
                received = self.batches.recv() => match received {
                    Ok(batch) => self.show(&batch),
                    Err(RecvError::Lagged(batches)) => self.skip(batches * self.rows_of_last_batch),
                    Err(RecvError::Closed) => return None,
                },
                () = tokio::time::sleep_until(second_ends), if self.skipped > 0 => {}
            }
        }
    }

    /// At the end of a second: how many calls were passed over in it.
    fn tell_skipped(&mut self) {
        if self.second.elapsed() < SECOND {
            return;
        }
        self.second = Instant::now();
        self.shown = 0;
        let calls = std::mem::take(&mut self.skipped);
        if calls > 0 {
            self.ready.push_back(json(&TailEvent::Skipped { calls }));
        }
    }

    fn show(&mut self, batch: &RecordBatch) {
        // Nobody came for what happened since: a second may have ended long ago.
        self.tell_skipped();
        self.rows_of_last_batch = batch.num_rows() as u64;
        let rows = self.filter.rows(batch);
        let room = (self.rate - self.shown.min(self.rate)) as usize;
        for &row in rows.iter().take(room) {
            let calls = glasshull_query::calls(&batch.slice(row, 1));
            self.ready.extend(calls.into_iter().map(|call| json(&TailEvent::Call(Box::new(call)))));
        }
        let shown = rows.len().min(room);
        self.shown += shown as u32;
        self.skip((rows.len() - shown) as u64);
    }

    fn skip(&mut self, calls: u64) {
        self.skipped += calls;
        self.parts.metrics.tail_skipped.inc_by(calls);
    }
}
