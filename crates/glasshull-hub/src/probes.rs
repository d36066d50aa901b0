//! Probes: made by `TRACE`, kept in the catalog, told to the instances they select, judged by what these report.

mod book;
mod cost;
mod counts;
mod orders;
mod status;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use glasshull_api::answers::Probe;
use glasshull_api::statement::{Statement, Trace, Untrace, parse};
use glasshull_api::{Code, Failure};
use glasshull_catalog::{Catalog, InstanceRow, ProbeCounts, ProbeEnd, ProbeRow};
use glasshull_store::Clock;
use glasshull_wire::v1;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::failures;
use crate::instances::{Connected, Instances};
use crate::limits::{MAX_ENDED_PROBES, MAX_PROBES};
use book::{Book, Entry};

pub(crate) use orders::names;

/// All probes: those that run and the last that ended.
pub(crate) struct Probes {
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    book: Mutex<Book>,
    /// Held while a probe is made, so that their number is counted right.
    making: tokio::sync::Mutex<()>,
    changes: watch::Sender<u64>,
    /// Changes that are being made.
    work: TaskTracker,
}

impl Probes {
    /// The probes of the catalog: they go on with what is left of their time.
    ///
    /// # Errors
    /// What the catalog says.
    pub(crate) async fn load(catalog: Arc<dyn Catalog>, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let now_ns = clock.now_ns();
        let running = catalog.probes(false, MAX_PROBES).await.map_err(|e| failures::of_catalog(&e))?;
        let last = catalog.probes(true, MAX_PROBES + MAX_ENDED_PROBES).await.map_err(|e| failures::of_catalog(&e))?;
        // Revisions grow across restarts too, or an instance would take a new hub's message for an old one.
        let revision = u64::try_from(now_ns / 1_000_000).unwrap_or(0);
        let mut book = Book::new(revision);
        last.into_iter().rev().filter(|row| row.end.is_some()).for_each(|row| book.remember(row));
        running.into_iter().rev().for_each(|row| restore(&mut book, row, now_ns));
        let changes = watch::Sender::new(revision);
        let (book, making, work) = (Mutex::new(book), tokio::sync::Mutex::new(()), TaskTracker::new());
        Ok(Self { catalog, clock, book, making, changes, work })
    }

    /// Makes a probe.
    ///
    /// # Errors
    /// [`Code::TooManyProbes`], or what the catalog says.
    pub(crate) async fn trace(self: &Arc<Self>, text: &str, trace: Trace, owner: &str) -> Result<String, Failure> {
        let (probes, text, owner) = (self.clone(), text.to_owned(), owner.to_owned());
        self.finish(async move { probes.make(&text, trace, &owner).await }).await
    }

    /// Ends probes on command; their ids.
    ///
    /// # Errors
    /// [`Code::NotFound`] where there is none such, or what the catalog says.
    pub(crate) async fn untrace(self: &Arc<Self>, which: &Untrace) -> Result<Vec<String>, Failure> {
        let (probes, which) = (self.clone(), which.clone());
        self.finish(async move { probes.end_those(&which).await }).await
    }

    /// Waits for changes that are being made, though nobody waits for their answers.
    pub(crate) async fn finished(&self) {
        self.work.close();
        self.work.wait().await;
    }

    /// Makes a change to its end, also where whoever asked for it has gone: what is in the catalog must be in the book.
    async fn finish<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let made = self.work.spawn(change).await;
        made.unwrap_or_else(|error| Err(failures::internal(&error)))
    }

    async fn make(&self, text: &str, trace: Trace, owner: &str) -> Result<String, Failure> {
        let _making = self.making.lock().await;
        if self.book.lock().running.len() >= MAX_PROBES {
            let message = format!("{MAX_PROBES} probes are running, as many as there may be.");
            return Err(Failure::new(Code::TooManyProbes, message).hint("End some: UNTRACE p1, or UNTRACE ALL."));
        }
        let now_ns = self.clock.now_ns();
        let life_ns = i64::try_from(trace.duration.as_nanos()).unwrap_or(i64::MAX);
        let mut row = ProbeRow {
            statement: text.trim().into(),
            owner: owner.into(),
            created_at_ns: now_ns,
            expires_at_ns: now_ns.saturating_add(life_ns),
            ..ProbeRow::default()
        };
        row.id = self.catalog.add_probe(&row).await.map_err(|e| failures::of_catalog(&e))?;
        let id = row.id.clone();
        self.change(|book| book.running.push(Entry::new(row, trace)));
        Ok(id)
    }

    async fn end_those(&self, which: &Untrace) -> Result<Vec<String>, Failure> {
        let (meant, all): (Vec<String>, Vec<String>) = {
            let book = self.book.lock();
            let id = |entry: &Entry| entry.row.id.clone();
            (
                book.running.iter().filter(|entry| entry.is(which)).map(id).collect(),
                book.running.iter().map(id).collect(),
            )
        };
        if meant.is_empty() && *which != Untrace::All {
            return Err(none_such(which, &all));
        }
        for id in &meant {
            self.end(id, "stopped", "Ended by UNTRACE.".into()).await?;
        }
        Ok(meant)
    }

    /// What is meant for one instance, as a message for it.
    pub(crate) fn meant_for(&self, instance: &Option<Connected>) -> v1::Probes {
        let now_ns = self.clock.now_ns();
        let book = self.book.lock();
        let meant = instance
            .iter()
            .flat_map(|instance| book.running.iter().filter_map(move |entry| orders::order(entry, instance, now_ns)));
        v1::Probes { revision: book.revision, probes: meant.collect() }
    }

    /// Keeps what an instance reports; on how many probes it is not followed, as too many others are.
    pub(crate) fn report(&self, instance: &InstanceRow, report: &v1::Report) -> u64 {
        let mut book = self.book.lock();
        let mut seen = HashSet::new();
        let mut refused = 0;
        for said in report.probes.iter().filter(|said| seen.insert(&said.probe_id)) {
            if let Some(entry) = book.running.iter_mut().find(|entry| entry.row.id == said.probe_id) {
                refused += u64::from(!entry.counts.report(instance.id, said));
            }
        }
        refused
    }

    /// Ends what is over: by time, or by number of calls.
    pub(crate) async fn end_what_is_over(&self) {
        let now_ns = self.clock.now_ns();
        let over: Vec<(String, &str, String)> =
            self.book.lock().running.iter().filter_map(|entry| entry.over(now_ns)).collect();
        for (id, state, reason) in over {
            if let Err(failure) = self.end(&id, state, reason).await {
                tracing::warn!(%failure, probe = %id, "a probe that is over could not be ended in the catalog");
            }
        }
    }

    /// Adds what was captured and spent since the last time to the catalog.
    pub(crate) async fn keep_counts(&self) {
        let due: Vec<(String, ProbeCounts)> = {
            let mut book = self.book.lock();
            book.running.iter_mut().filter_map(|entry| Some((entry.row.id.clone(), entry.counts.take_due()?))).collect()
        };
        for (id, counts) in due {
            self.count(&id, counts).await;
        }
    }

    /// All, the newest first, with their status.
    pub(crate) fn list(&self, instances: &Instances) -> Vec<Probe> {
        let around = status::Around::new(instances);
        self.match_again(&around);
        let book = self.book.lock();
        let mut probes: Vec<Probe> = book.running.iter().map(|entry| status::running(entry, &around)).collect();
        probes.extend(book.ended.iter().map(status::ended));
        probes.sort_by_key(|probe| std::cmp::Reverse(number(&probe.id)));
        probes
    }

    /// Looks at functions again where instances or functions have changed. Comparing names takes time, which sessions
    /// do not have: the book is free meanwhile.
    fn match_again(&self, around: &status::Around) {
        let stale = |entry: &Entry| status::is_stale(entry, around);
        let running = |book: &Book| -> Vec<(String, Arc<Trace>)> {
            let stale = book.running.iter().filter(|entry| stale(entry));
            stale.map(|entry| (entry.row.id.clone(), entry.trace.clone())).collect()
        };
        let stale = running(&self.book.lock());
        for (id, trace) in stale {
            let matched = status::matched(&trace, around);
            if let Some(entry) = self.book.lock().find(&id) {
                entry.matched = Some(matched);
            }
        }
    }

    /// Those with these ids.
    pub(crate) fn named(&self, ids: &[String], instances: &Instances) -> Vec<Probe> {
        self.list(instances).into_iter().filter(|probe| ids.contains(&probe.id)).collect()
    }

    /// The orders of the probes that run, with their ids.
    pub(crate) fn orders(&self) -> Vec<(String, Arc<Trace>)> {
        self.book.lock().running.iter().map(|entry| (entry.row.id.clone(), entry.trace.clone())).collect()
    }

    /// How many run.
    pub(crate) fn running(&self) -> usize {
        self.book.lock().running.len()
    }

    /// How many run and are cut back by a governor somewhere.
    pub(crate) fn cut_back(&self, instances: &Instances) -> usize {
        let connected = instances.all();
        let is_cut_back = |entry: &&Entry| {
            let mut reports = connected.iter().filter_map(|instance| entry.counts.reports.get(&instance.row.id));
            reports.any(cost::is_cut_back)
        };
        self.book.lock().running.iter().filter(is_cut_back).count()
    }

    /// Told whenever what is meant for some instance may have changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn end(&self, id: &str, state: &str, reason: String) -> Result<(), Failure> {
        let end = ProbeEnd { at_ns: self.clock.now_ns(), state: state.into(), reason };
        let due = self.book.lock().find(id).and_then(|entry| entry.counts.take_due());
        if let Some(counts) = due {
            self.count(id, counts).await;
        }
        self.catalog.end_probe(id, &end).await.map_err(|e| failures::of_catalog(&e))?;
        self.change(|book| book.end(id, end));
        Ok(())
    }

    async fn count(&self, id: &str, counts: ProbeCounts) {
        if let Err(error) = self.catalog.count_probe(id, &counts).await {
            tracing::warn!(%error, probe = %id, "what a probe captured could not be counted");
            if let Some(entry) = self.book.lock().find(id) {
                entry.counts.give_back(counts);
            }
        }
    }

    fn change(&self, how: impl FnOnce(&mut Book)) {
        let mut book = self.book.lock();
        how(&mut book);
        book.revision += 1;
        self.changes.send_replace(book.revision);
    }
}

/// A probe from before the restart. One whose statement this version no longer understands cannot go on.
fn restore(book: &mut Book, row: ProbeRow, now_ns: i64) {
    match parse(&row.statement) {
        Ok(Statement::Trace(trace)) => book.running.push(Entry::new(row, trace)),
        _ => {
            tracing::warn!(probe = %row.id, "a probe's statement is not understood any more; it ends");
            let reason = "This version of the hub does not understand its statement.".to_owned();
            book.remember(ProbeRow { end: Some(ProbeEnd { at_ns: now_ns, state: "stopped".into(), reason }), ..row });
        }
    }
}

/// The number in a probe's id.
fn number(id: &str) -> u64 {
    id.trim_start_matches('p').parse().unwrap_or(0)
}

fn none_such(which: &Untrace, running: &[String]) -> Failure {
    let message = match which {
        Untrace::Probe(id) => format!("No probe {id} is running."),
        _ => "No running probe was made with this pattern.".into(),
    };
    let hint = match running {
        [] => "No probe is running at all.".into(),
        some => format!("Running: {}.", some.join(", ")),
    };
    Failure::new(Code::NotFound, message).hint(hint)
}
