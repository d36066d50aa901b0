//! The one who writes the journal: a thread that takes what waits, writes it, syncs once, shows it in the live table
//! and answers all. While it syncs, the next group gathers. Where durability is relaxed it answers before, and syncs now
//! and then, and always before it begins another file: what a power cut takes is the end of what was written.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::disk::{Disk, DiskFile};
use super::format::{Header, encode_frame};
use crate::Durability;
use crate::arrival::Arrival;
use crate::lanes::{Lane, UnderWay};
use crate::settings::RELAXED_SYNC_EVERY;
use crate::shared::{Room, Shared};
use crate::stats::count;

/// Bytes of a group: what one sync covers. More would make those at its head wait for those at its end.
pub(crate) const GROUP_BYTES: usize = 8 << 20;

/// Bytes that are written to see whether the journal can be: as much as a batch of some hundred calls takes.
const TRIED_BYTES: usize = 64 << 10;

/// Batches that wait for the writer; their memory is bounded by the live table's limit.
pub(crate) const MAX_QUEUED_ORDERS: usize = 1_024;

/// What the writer is asked.
pub(crate) enum Order {
    /// Make a batch durable, then show it.
    Append(Box<Append>),
    /// Close the file that is being written; answers the number of the next one.
    Seal(oneshot::Sender<u64>),
    /// Sync what is not yet synced, where that is due.
    Sync,
    /// See whether the journal can be written again, after a write that failed.
    Try,
}

/// A batch on its way to disk, with its room in the live table: a caller who goes away changes nothing.
pub(crate) struct Append {
    pub(crate) payload: Vec<u8>,
    pub(crate) arrival: Arrival,
    /// By the clock that never jumps.
    pub(crate) received_at: Duration,
    pub(crate) lane: Arc<Lane>,
    pub(crate) under_way: UnderWay,
    pub(crate) room: Room,
    /// Why it could not be made durable.
    pub(crate) answer: oneshot::Sender<Result<(), String>>,
}

/// Where the journal goes on after a start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Continuation {
    /// The number of the next file.
    pub(crate) next: u64,
    /// Sound bytes of the file before it.
    pub(crate) previous: u64,
}

impl Continuation {
    /// Goes on above `number`, which names segments already, though the catalog may not know: an older one may have
    /// been restored.
    pub(crate) fn above(self, number: u64) -> Self {
        // Nothing is said of the file before, as none stands right before it.
        if number < self.next { self } else { Self { next: number.saturating_add(1), previous: 0 } }
    }
}

/// The writer's state.
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    shared: Arc<Shared>,
    at: Continuation,
    /// The file that is being written; none until there is something to write.
    file: Option<OpenFile>,
    buffer: Vec<u8>,
    /// When the last group was begun, by the monotonic clock.
    begun: Option<Duration>,
}

struct OpenFile {
    file: Box<dyn DiskFile>,
    /// Bytes that are acknowledged.
    bytes: u64,
    /// Since when some of them are not synced, by the monotonic clock.
    unsynced_since: Option<Duration>,
}

impl OpenFile {
    fn sync(&mut self, shared: &Shared) -> io::Result<()> {
        let before = shared.clock.monotonic();
        self.file.sync()?;
        self.unsynced_since = None;
        shared.counters.fsyncs.record(shared.clock.monotonic().saturating_sub(before));
        Ok(())
    }
}

impl Writer {
    pub(crate) fn new(disk: Arc<dyn Disk>, shared: Arc<Shared>, at: Continuation) -> Self {
        Self { disk, shared, at, file: None, buffer: Vec::new(), begun: None }
    }

    /// Carries out orders until nobody can give any.
    pub(crate) fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.blocking_recv() {
            let mut next = Some(order);
            while let Some(order) = next.take() {
                match order {
                    Order::Append(first) => next = self.group(*first, &mut orders),
                    Order::Seal(answer) => {
                        self.seal();
                        // Whoever asked may be gone; the file is closed all the same.
                        let _ = answer.send(self.at.next);
                    }
                    Order::Sync => self.sync_if_due(self.shared.clock.monotonic()),
                    Order::Try => self.try_again(),
                }
            }
        }
        self.sync_rest();
    }

    /// After a write that failed: whether there is room for a small one. Nobody may be sending: those who ask before
    /// they send would never begin again.
    fn try_again(&mut self) {
        let broken = &self.shared.counters.journal_broken;
        if broken.load(Relaxed) == 0 || self.file.is_some() {
            return;
        }
        let number = self.at.next;
        let written = self.disk.create(number).and_then(|mut file| {
            file.append(&[0; TRIED_BYTES])?;
            file.sync()
        });
        // Nothing in it was acknowledged: its number is used again.
        let removed = self.disk.remove(number);
        if written.and(removed).is_ok() {
            tracing::info!("the journal can be written again");
            broken.store(0, Relaxed);
        }
    }

    /// Gathers what waits and commits it; returns an order that is no batch.
    fn group(&mut self, first: Append, orders: &mut mpsc::Receiver<Order>) -> Option<Order> {
        self.pace();
        let mut bytes = first.payload.len();
        let mut group = vec![first];
        let mut other = None;
        while bytes < GROUP_BYTES {
            match orders.try_recv() {
                Ok(Order::Append(append)) => {
                    bytes += append.payload.len();
                    group.push(*append);
                }
                Ok(order) => {
                    other = Some(order);
                    break;
                }
                Err(_) => break,
            }
        }
        self.commit(group);
        other
    }

    /// Where each group is a put that costs money, waits for more to come: others are sending, as the last one was a moment ago.
    fn pace(&mut self) {
        if self.shared.tenure.is_none() {
            return;
        }
        let now = self.shared.clock.monotonic();
        let since = self.begun.map_or(Duration::MAX, |begun| now.saturating_sub(begun));
        let wait = self.shared.settings.put_every.saturating_sub(since);
        std::thread::sleep(wait);
        self.begun = Some(now + wait);
    }

    fn commit(&mut self, group: Vec<Append>) {
        // Stored, they would make those before them count as repeated when these come again.
        let (held_up, group): (Vec<_>, Vec<_>) = group.into_iter().partition(|append| append.under_way.is_held_up());
        held_up.into_iter().for_each(|append| self.refuse(append, "a batch before it could not be stored".into()));
        if group.is_empty() {
            return;
        }
        // Before anybody is answered: whether a sync is due does not depend on what they do then.
        let now = self.shared.clock.monotonic();
        match self.write(&group) {
            Ok(bytes) => {
                self.shared.counters.journal_broken.store(0, Relaxed);
                self.show(group, bytes);
                self.sync_if_due(now);
            }
            Err(error) => self.give_up(group, &error),
        }
    }

    /// Writes a group and syncs it, where that is to be waited for; how many bytes it took.
    fn write(&mut self, group: &[Append]) -> io::Result<u64> {
        let number = self.at.next;
        self.buffer.clear();
        if self.file.is_none() {
            let file = self.disk.create(number)?;
            self.file = Some(OpenFile { file, bytes: 0, unsynced_since: None });
        }
        let Some(open) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if open.bytes == 0 {
            let is_relaxed = self.shared.settings.durability == Durability::Relaxed;
            Header { number, previous: self.at.previous, is_relaxed }.encode(&mut self.buffer);
        }
        for append in group {
            encode_frame(number, open.bytes + self.buffer.len() as u64, &append.payload, &mut self.buffer);
        }
        open.file.append(&self.buffer)?;
        if self.shared.settings.durability == Durability::Relaxed && self.shared.journal_writable() {
            open.unsynced_since.get_or_insert_with(|| self.shared.clock.monotonic());
        } else {
            open.sync(&self.shared)?;
        }
        open.bytes += self.buffer.len() as u64;
        count(&self.shared.counters.journal_written_bytes, self.buffer.len() as u64);
        Ok(self.buffer.len() as u64)
    }

    /// Shows a group that is on disk, then tells those who wait.
    fn show(&mut self, group: Vec<Append>, bytes: u64) {
        let mut answers = Vec::with_capacity(group.len());
        let mut arrivals = Vec::with_capacity(group.len());
        for append in group {
            let Append { payload, arrival, received_at, lane, under_way, room, answer } = append;
            self.shared.count_appended(payload.len(), arrival.calls());
            lane.advance(arrival.sequence, received_at);
            arrivals.push((arrival, Some(room)));
            answers.push((under_way, answer));
        }
        let is_much = self.shared.show(self.at.next, arrivals, bytes);
        for (under_way, answer) in answers {
            drop(under_way);
            // A caller that went away has its batch stored all the same.
            let _ = answer.send(Ok(()));
        }
        self.shared.live.gather_small(self.at.next);
        // More would be published at a time than memory is set apart for.
        if is_much || self.file.as_ref().is_some_and(|file| file.bytes >= self.shared.settings.journal_file_bytes) {
            self.seal();
        }
    }

    /// Nothing of the group is acknowledged. The file is lost from its last sync on: after a failed sync nobody knows
    /// what of it will ever be on disk, so that it is not written again.
    fn give_up(&mut self, group: Vec<Append>, error: &io::Error) {
        if self.shared.counters.journal_broken.swap(1, Relaxed) == 0 {
            tracing::error!(%error, file = self.at.next, "the journal cannot be written; nothing is acknowledged until it can");
        }
        let acknowledged = self.file.as_ref().map(|file| file.bytes);
        if acknowledged.is_some() {
            count(&self.shared.counters.journal_lost_files, 1);
        }
        if acknowledged.is_some_and(|bytes| bytes > 0) {
            self.seal();
        } else {
            // Nothing in it was acknowledged: its number is used again.
            self.file = None;
            let _ = self.disk.remove(self.at.next);
        }
        let why = error.to_string();
        group.into_iter().for_each(|append| self.refuse(append, why.clone()));
    }

    fn refuse(&self, append: Append, why: String) {
        let Append { arrival, lane, under_way, answer, .. } = append;
        count(&self.shared.counters.refused_unwritable, 1);
        lane.fail(arrival.sequence);
        drop(under_way);
        let _ = answer.send(Err(why));
    }

    /// Syncs what was acknowledged before it was synced, where it has waited for long enough.
    fn sync_if_due(&mut self, now: Duration) {
        let Some(open) = &mut self.file else { return };
        if open.unsynced_since.is_none_or(|since| now.saturating_sub(since) < RELAXED_SYNC_EVERY) {
            return;
        }
        if let Err(error) = open.sync(&self.shared) {
            self.lose(&error);
            self.seal();
        }
    }

    /// Syncs what was acknowledged before it was synced: nothing that is written later may be on disk without it.
    fn sync_rest(&mut self) {
        let Some(open) = &mut self.file else { return };
        if open.unsynced_since.take().is_some()
            && let Err(error) = self.disk.sync(self.at.next)
        {
            self.lose(&error);
        }
    }

    /// What was acknowledged and not synced may never be on disk. It is live: as soon as it is published it is safe.
    fn lose(&mut self, error: &io::Error) {
        let file = self.at.next;
        tracing::error!(%error, file, "the journal cannot be synced: calls that were acknowledged are in memory only, until they are published");
        let counters = &self.shared.counters;
        counters.journal_broken.store(1, Relaxed);
        count(&counters.journal_lost_files, 1);
        if let Some(open) = &mut self.file {
            open.unsynced_since = None;
        }
        self.shared.much_is_live.notify_one();
    }

    /// Closes the file that is being written, where there is one.
    fn seal(&mut self) {
        self.sync_rest();
        if let Some(file) = self.file.take() {
            self.shared.live.seal(self.at.next);
            self.at = Continuation { next: self.at.next + 1, previous: file.bytes };
        }
    }
}
