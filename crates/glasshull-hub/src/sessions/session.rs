//! One session, from welcome to its end: batches in, acknowledgements and probes out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};
use glasshull_api::{Code, Failure};
use glasshull_catalog::InstanceRow;
use glasshull_store::{Appended, Source, StoreError};
use glasshull_wire::v1::{self, Ack, CallBatch, to_hub, to_instance};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::admit::{Admitted, Hold, admit};
use super::convert;
use super::socket::{Incoming, Socket, malformed, refusal};
use crate::failures;
use crate::hub::Parts;
use crate::instances::Seated;
use crate::limits::{MAX_BATCHES_UNDER_WAY, PING_EVERY, RETRY_AFTER_FAULT, SILENT_FOR};
use crate::metrics::Ending;

/// Serves one connection until it ends.
pub(super) async fn run(parts: Arc<Parts>, socket: WebSocket, handshake: OwnedSemaphorePermit) {
    let mut socket = Socket::new(socket);
    match admit(&parts, &mut socket).await {
        Ok(Some(admitted)) => {
            drop(handshake);
            parts.metrics.sessions_opened.inc();
            let metrics = parts.metrics.clone();
            let session = Session::new(parts, admitted, socket);
            // Its seat and its places are given back by their guards.
            if AssertUnwindSafe(session.serve()).catch_unwind().await.is_err() {
                tracing::error!("a session ended by a fault of the hub's own");
                metrics.sessions_closed.get_or_create(&Ending { reason: "fault" }).inc();
            }
        }
        Ok(None) => {}
        Err(not) => {
            parts.metrics.refused(&not.failure);
            tracing::info!(failure = %not.failure, "an instance was refused");
            socket.refuse(&not.failure, not.retry_after).await;
        }
    }
}

/// Why a session ends.
enum End {
    /// The process said goodbye.
    Goodbye,
    /// The connection is gone, or nothing comes through it any more.
    Gone,
    /// A newer session of the same process has come.
    Taken,
    /// The hub stops.
    Stopping,
    /// The hub will not go on with it.
    Refused(Box<Failure>),
    /// The hub cannot go on with it now.
    Later(Box<Failure>, Duration),
}

impl End {
    fn reason(&self) -> &'static str {
        match self {
            End::Goodbye => "goodbye",
            End::Gone => "gone",
            End::Taken => "taken_over",
            End::Stopping => "stopping",
            End::Refused(_) => "refused",
            End::Later(..) => "later",
        }
    }
}

/// What became of one batch, with its sequence.
type Done = (u64, Result<Appended, StoreError>);

/// A batch, and its share of the memory that batches of all sessions may take.
type Room = (CallBatch, OwnedSemaphorePermit);

struct Session {
    parts: Arc<Parts>,
    row: InstanceRow,
    source: Source,
    seat: Seated,
    socket: Socket,
    /// The probes it was told last.
    told: v1::Probes,
    changes: watch::Receiver<u64>,
    /// A batch that waits for room. Meanwhile nothing more is read from this session, which is how its sender learns.
    waiting: Option<BoxFuture<'static, Room>>,
    /// Batches on their way to the disk, in the order they came and are answered in.
    under_way: FuturesOrdered<BoxFuture<'static, Done>>,
    last_heard: Instant,
    hold: Option<Hold>,
}

impl Session {
    fn new(parts: Arc<Parts>, admitted: Admitted, socket: Socket) -> Self {
        let changes = parts.probes.changes();
        tracing::info!(service = ?admitted.row.service, instance = ?admitted.row.instance, "an instance connected");
        Self {
            source: convert::source(&admitted.row),
            row: admitted.row,
            seat: admitted.seat,
            told: admitted.probes,
            hold: Some(admitted.hold),
            changes,
            socket,
            waiting: None,
            under_way: FuturesOrdered::new(),
            last_heard: Instant::now(),
            parts,
        }
    }

    async fn serve(mut self) {
        let end = self.converse().await;
        self.finish_batches(&end).await;
        self.part(end).await;
    }

    /// Until something ends the session.
    async fn converse(&mut self) -> End {
        let stopping = self.parts.stopping.clone();
        let taken = self.seat.taken.clone();
        let mut pings = pings();
        // Between the welcome and now probes may have changed.
        self.changes.mark_changed();
        loop {
            let goes_on = tokio::select! {
                biased;
                () = stopping.cancelled() => Err(End::Stopping),
                () = taken.cancelled() => Err(End::Taken),
                Some(done) = self.under_way.next() => self.answer(done).await,
                (batch, room) = waited(&mut self.waiting) => self.append(batch, room),
                Ok(()) = self.changes.changed() => self.tell_probes().await,
                _ = pings.tick() => self.ping().await,
                incoming = self.socket.next(), if self.reads() => self.take(incoming).await,
            };
            if let Err(end) = goes_on {
                return end;
            }
        }
    }

    async fn take(&mut self, incoming: Incoming) -> Result<(), End> {
        self.last_heard = Instant::now();
        let (message, bytes) = match incoming {
            Incoming::Message(message, bytes) => (message, bytes),
            Incoming::Alive => return Ok(()),
            Incoming::Gone => return Err(End::Gone),
            Incoming::Malformed(what) => return Err(End::Refused(malformed(what).into())),
        };
        self.parts.metrics.messages.inc();
        self.parts.metrics.message_bytes.inc_by(bytes as u64);
        match message.message {
            Some(to_hub::Message::Batch(batch)) => self.receive(batch),
            Some(to_hub::Message::Functions(functions)) => self.announce(functions).await,
            Some(to_hub::Message::Report(report)) => self.report(&report),
            Some(to_hub::Message::Goodbye(_)) => Err(End::Goodbye),
            Some(to_hub::Message::Hello(_)) => Err(End::Refused(malformed("a second Hello came").into())),
            // A message of a later version of the protocol: not for us.
            None => Ok(()),
        }
    }

    fn reads(&self) -> bool {
        self.waiting.is_none() && self.under_way.len() < MAX_BATCHES_UNDER_WAY
    }

    /// Lets a batch wait for its room.
    fn receive(&mut self, batch: CallBatch) -> Result<(), End> {
        if batch.sequence == 0 {
            return Err(End::Refused(malformed("a batch has the sequence 0").into()));
        }
        let bytes = u32::try_from(batch.columns.len()).unwrap_or(u32::MAX).max(1);
        let room = self.parts.gates.batch_bytes.clone().acquire_many_owned(bytes);
        self.waiting = Some(Box::pin(async move {
            match room.await {
                Ok(room) => (batch, room),
                // The gate is never closed.
                Err(_) => std::future::pending().await,
            }
        }));
        Ok(())
    }

    /// Sends a batch on its way to the disk.
    fn append(&mut self, batch: CallBatch, room: OwnedSemaphorePermit) -> Result<(), End> {
        let (parts, source) = (self.parts.clone(), self.source.clone());
        self.under_way.push_back(Box::pin(async move {
            let sequence = batch.sequence;
            let appended = parts.store.append(&source, batch).await;
            drop(room);
            (sequence, appended)
        }));
        Ok(())
    }

    /// Tells the instance what became of a batch.
    async fn answer(&mut self, (sequence, appended): Done) -> Result<(), End> {
        let wait_ms = match appended {
            Ok(Appended::Stored { calls, wait_ms }) => {
                self.parts.live.calls(calls);
                wait_ms
            }
            Ok(Appended::Repeated) => 0,
            Err(error) => return self.refuse_batch(sequence, &error).await,
        };
        self.send(to_instance::Message::Ack(Ack { sequence, wait_ms })).await
    }

    /// A batch that is wrong is refused for good and the session goes on; one that cannot be stored now ends the
    /// session, so that it and those behind it are sent again in order.
    async fn refuse_batch(&mut self, sequence: u64, error: &StoreError) -> Result<(), End> {
        let failure = failures::of_store(error);
        if failure.known_code() != Some(Code::BatchRefused) {
            return Err(End::Later(failure.into(), later(error)));
        }
        self.parts.metrics.refused(&failure);
        tracing::warn!(service = ?self.row.service, sequence, %failure, "a batch was refused");
        let refusal = refusal(&failure, Duration::ZERO, sequence, false);
        self.send(to_instance::Message::Refusal(refusal)).await
    }

    async fn announce(&mut self, said: v1::Functions) -> Result<(), End> {
        let (functions, unusable) = convert::functions(&self.row.service, said);
        let (new, refused) = self.parts.instances.add_functions(&self.seat, functions);
        self.parts.metrics.functions_refused.inc_by((unusable + refused) as u64);
        if !new.is_empty()
            && let Err(error) = self.parts.catalog.put_functions(&new, self.parts.clock.now_ns()).await
        {
            return Err(End::Later(failures::of_catalog(&error).into(), RETRY_AFTER_FAULT));
        }
        self.tell_probes().await
    }

    fn report(&mut self, said: &v1::Report) -> Result<(), End> {
        self.parts.instances.report(&self.seat, convert::load(said));
        let refused = self.parts.probes.report(&self.row, said);
        self.parts.metrics.probe_reports_refused.inc_by(refused);
        Ok(())
    }

    /// Sends the probes meant for this instance, where they differ from what it was told.
    async fn tell_probes(&mut self) -> Result<(), End> {
        let Some(connected) = self.parts.instances.seated(&self.seat) else { return Err(End::Taken) };
        let probes = self.parts.probes.meant_for(&Some(connected));
        if orders(&probes).eq(orders(&self.told)) {
            return Ok(());
        }
        self.told = probes.clone();
        self.send(to_instance::Message::Probes(probes)).await
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.last_heard.elapsed() > SILENT_FOR || !self.socket.ping().await {
            return Err(End::Gone);
        }
        Ok(())
    }

    async fn send(&mut self, message: to_instance::Message) -> Result<(), End> {
        if self.socket.send(message).await { Ok(()) } else { Err(End::Gone) }
    }

    /// Batches that are under way are stored whatever ends the session; who can still hear it is told.
    async fn finish_batches(&mut self, end: &End) {
        let mut hears = matches!(end, End::Goodbye | End::Stopping);
        while let Some(done) = self.under_way.next().await {
            match done.1 {
                Ok(Appended::Stored { calls, .. }) if !hears => self.parts.live.calls(calls),
                _ if hears => hears = self.answer(done).await.is_ok(),
                _ => {}
            }
        }
    }

    async fn part(mut self, end: End) {
        drop(self.hold.take());
        self.parts.metrics.sessions_closed.get_or_create(&Ending { reason: end.reason() }).inc();
        if let Some(connected) = self.parts.instances.leave(&self.seat) {
            let left = InstanceRow { left_at_ns: Some(self.parts.clock.now_ns()), ..(*connected.row).clone() };
            if let Err(error) = self.parts.catalog.put_instance(&left).await {
                tracing::warn!(%error, "the catalog was not told that an instance left");
            }
        }
        tracing::info!(service = ?self.row.service, instance = ?self.row.instance, reason = end.reason(), "a session ended");
        match end {
            End::Refused(failure) => self.refuse(&failure, Duration::ZERO).await,
            End::Later(failure, retry_after) => self.refuse(&failure, retry_after).await,
            End::Goodbye | End::Taken | End::Stopping => self.socket.close().await,
            End::Gone => {}
        }
    }

    async fn refuse(self, failure: &Failure, retry_after: Duration) {
        self.parts.metrics.refused(failure);
        tracing::warn!(service = ?self.row.service, %failure, "a session was closed");
        self.socket.refuse(failure, retry_after).await;
    }
}

/// The batch that waited, as soon as it has room; for ever, where none waits.
async fn waited(waiting: &mut Option<BoxFuture<'static, Room>>) -> Room {
    let Some(room) = waiting else { return std::future::pending().await };
    let room = room.await;
    *waiting = None;
    room
}

fn pings() -> Interval {
    let mut pings = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

/// What makes two messages say the same: time left passes by itself.
fn orders(probes: &v1::Probes) -> impl Iterator<Item = (&str, &[String])> {
    probes.probes.iter().map(|probe| (probe.probe_id.as_str(), probe.patterns.as_slice()))
}

/// When a batch that could not be stored now may come again.
fn later(error: &StoreError) -> Duration {
    match error {
        StoreError::Busy { retry_after_ms } => Duration::from_millis((*retry_after_ms).into()),
        _ => RETRY_AFTER_FAULT,
    }
}
