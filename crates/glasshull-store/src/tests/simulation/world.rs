//! A store with its parts, those who use it, and what happens to them.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use object_store::ObjectMeta;

use super::super::rig::{Chance, NOW_NS, Rig, SECOND_NS, source};
use super::Told;
use super::audit::Auditor;
use super::senders::{Batch, INSTANCES, Sender};
use crate::store::Snapshot;
use crate::{Appended, Durability, SNAPSHOT_GRACE, Store, StoreError, StoreSettings};

pub(super) const WINDOW_NS: i64 = 600 * SECOND_NS;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const DAY_NS: i64 = 24 * 60 * MINUTE_NS;

/// How long calls are kept, in lives in which they are not kept for ever.
const KEEP: Duration = Duration::from_secs(2 * 3_600);

/// Steps of a life.
const LEAST_STEPS: u64 = 15;
const MOST_STEPS: u64 = 60;

/// Objects of the journal and of copies of the catalog, where they are in the object store, when all is published.
const MOST_OWN_OBJECTS: usize = 12;

/// Starts that fail by chance before all is well again.
const FAILED_STARTS: u64 = 6;

/// An answer to a batch, with whose it was.
type Answer = (u8, Batch, Result<Appended, StoreError>);

/// What senders were told since the last start.
#[derive(Debug, Default, Eq, PartialEq)]
struct Tally {
    stored: u64,
    repeated: u64,
    invalid: u64,
    ahead: u64,
    busy: u64,
    unwritable: u64,
}

/// A question that still reads what it saw.
struct Question {
    snapshot: Snapshot,
    asked_ns: i64,
    saw: usize,
}

pub(super) struct World<'t> {
    rig: Rig,
    /// A store that another has taken over from, and that goes on where nobody sees it.
    old: Option<Arc<Store>>,
    told: &'t Told,
    chance: Chance,
    senders: Vec<Sender>,
    auditor: Auditor,
    tally: Tally,
    next_id: u64,
    questions: Vec<Question>,
    /// What the object store listed some time ago.
    listing: Vec<ObjectMeta>,
    /// What time passed, by no clock that is set.
    passed_ns: i64,
    /// How far the clock was set wrong.
    wrong_ns: i64,
    retention: Option<Duration>,
    /// Nothing fails any more.
    is_over: bool,
}

fn settle(settings: &mut StoreSettings, chance: &mut Chance) {
    settings.journal_file_bytes = chance.one_of(&[1, 700, 4_000, 64 << 20]);
    settings.publish_bytes = chance.one_of(&[1, 10_000, 128 << 20]);
    settings.live_bytes = chance.one_of(&[96 << 10, 512 << 20, 512 << 20]);
    settings.append_within = Duration::from_millis(1);
    settings.retention = chance.one_of(&[None, Some(KEEP)]);
    settings.durability = chance.one_of(&[Durability::Journal, Durability::Journal, Durability::Relaxed]);
}

impl<'t> World<'t> {
    pub(super) async fn new(seed: u64, told: &'t Told) -> Self {
        let mut chance = Chance::of(seed);
        let rig = if chance.one_in(3) {
            Rig::diskless(|settings| settle(settings, &mut chance)).await
        } else {
            Rig::with(|settings| settle(settings, &mut chance)).await
        };
        // A hub that has never run has nothing to tell a wrong clock by.
        rig.store().expire().await.unwrap();
        Self {
            retention: rig.settings.retention,
            rig,
            old: None,
            told,
            chance,
            senders: (0..INSTANCES).map(|_| Sender::default()).collect(),
            auditor: Auditor::new(),
            tally: Tally::default(),
            next_id: 1,
            questions: Vec::new(),
            listing: Vec::new(),
            passed_ns: 0,
            wrong_ns: 0,
            is_over: false,
        }
    }

    pub(super) async fn live(&mut self) {
        for _ in 0..LEAST_STEPS + self.chance.below(MOST_STEPS - LEAST_STEPS) {
            self.step().await;
            if self.rig.power.is_off() {
                self.restart().await;
            }
            self.look().await;
        }
    }

    async fn step(&mut self) {
        match self.chance.below(100) {
            0..30 => self.send(1).await,
            30..44 => self.at_once().await,
            44..54 => self.publish().await,
            54..64 => self.merge().await,
            64..70 => self.expire().await,
            70..78 => self.pass_time(),
            78..81 => self.set_clock(),
            81..87 => self.change_weather(),
            87..91 => self.threaten_power(),
            91..93 => self.restart().await,
            93..95 => self.send_again().await,
            95..97 => self.old_goes_on().await,
            97 => self.give_up(),
            98 => self.close().await,
            _ => self.ask(),
        }
    }

    fn note(&self, what: impl Into<String>) {
        self.told.note(what.into());
    }

    fn true_now_ns(&self) -> i64 {
        NOW_NS + self.passed_ns
    }

    /// Batches that go out now: some instance's next ones, in their order.
    fn outgoing(&mut self, most: u64) -> (u8, Vec<Batch>) {
        let instance = self.chance.below(u64::from(INSTANCES)) as u8;
        let now_ns = self.true_now_ns();
        let sender = &mut self.senders[usize::from(instance)];
        if sender.has_room() {
            sender.make(&mut self.chance, &mut self.next_id, now_ns);
        }
        let batches: Vec<Batch> = sender.pending.iter().take(most as usize).cloned().collect();
        batches.iter().for_each(|batch| self.auditor.sends(batch));
        (instance, batches)
    }

    async fn send(&mut self, most: u64) {
        let (instance, batches) = self.outgoing(most);
        let answers = append(&self.rig, instance, batches).await;
        self.hear(answers);
    }

    fn hear(&mut self, answers: Vec<Answer>) {
        for (instance, batch, answer) in answers {
            let what = answer.as_ref().map_or_else(ToString::to_string, |appended| format!("{appended:?}"));
            self.note(format!("{instance} sends {batch:?}: {what}"));
            let is_over = self.tally.count(&answer);
            match answer {
                Ok(Appended::Stored { calls, .. }) => assert_eq!(calls, batch.rows.len() as u64),
                Ok(Appended::Repeated) => {}
                Err(_) if is_over => {
                    self.senders[usize::from(instance)].take(batch.sequence);
                    if !batch.may_be_stored {
                        self.auditor.refused(&batch);
                    }
                    continue;
                }
                Err(error) => {
                    let unwritable = matches!(error, StoreError::JournalUnwritable(_));
                    self.senders[usize::from(instance)].keep(batch.sequence, unwritable);
                    continue;
                }
            }
            assert!(!batch.is_garbage, "it was acknowledged");
            self.auditor.acknowledged(&batch);
            let sender = &mut self.senders[usize::from(instance)];
            sender.take(batch.sequence);
            sender.last = Some(batch);
        }
    }

    /// What has happened already is asked for again.
    async fn send_again(&mut self) {
        let instance = self.chance.below(u64::from(INSTANCES)) as u8;
        let Some(batch) = self.senders[usize::from(instance)].last.clone() else { return };
        let answers = append(&self.rig, instance, vec![batch]).await;
        // Its rows are known; a refusal now is none of what was stored.
        for (instance, batch, answer) in answers {
            self.note(format!("{instance} sends {} again: {answer:?}", batch.sequence));
            self.tally.count(&answer);
        }
    }

    /// A store that was taken over from is asked for what it may not do any more.
    async fn old_goes_on(&mut self) {
        let Some(old) = self.old.clone() else { return };
        let (instance, batches) = self.outgoing(2);
        for batch in batches {
            let answer = old.append(&source(instance), batch.packed()).await;
            self.note(format!("{instance} sends {} to the old one: {answer:?}", batch.sequence));
            // Then the one that has taken over must know of it.
            if answer.is_ok() {
                self.auditor.acknowledged(&batch);
            }
        }
        let done = (old.publish().await, old.merge().await, old.expire().await);
        self.note(format!("the old one publishes, merges, expires: {done:?}"));
    }

    /// An instance drops what it has not brought, and begins a new session.
    fn give_up(&mut self) {
        let instance = self.chance.below(u64::from(INSTANCES)) as u8;
        self.note(format!("{instance} gives up"));
        self.greet(instance);
        self.senders[usize::from(instance)].pending.clear();
    }

    /// A session begins: what the store says it has is not sent again.
    fn greet(&mut self, instance: u8) {
        let durable = self.rig.store().durable_sequence(source(instance).instance);
        let sender = &mut self.senders[usize::from(instance)];
        let acknowledged = sender.last.as_ref().map_or(0, |batch| batch.sequence);
        assert!(durable >= acknowledged || self.retention.is_some(), "{durable} instead of {acknowledged}");
        while let Some(batch) = sender.pending.pop_front_if(|batch| batch.sequence <= durable) {
            self.auditor.acknowledged(&batch);
        }
    }

    /// Several things at the same time, and somebody who looks meanwhile.
    async fn at_once(&mut self) {
        let mut outgoing = Vec::new();
        for _ in 0..1 + self.chance.below(3) {
            let (instance, batches) = self.outgoing(3);
            if outgoing.iter().all(|(other, _)| *other != instance) {
                outgoing.push((instance, batches));
            }
        }
        let (publishes, merges, expires) = (self.chance.one_in(2), self.chance.one_in(2), self.chance.one_in(4));
        self.note(format!("at once: publishes {publishes}, merges {merges}, expires {expires}"));
        if expires {
            self.allow_expiry();
        }
        let (rig, looks) = (&self.rig, self.chance.below(4));
        let (answers, _, _, _, snapshots) = tokio::join!(
            join_all(outgoing.into_iter().map(|(instance, batches)| append(rig, instance, batches))),
            async { if publishes { rig.store().publish().await.map(drop) } else { Ok(()) } },
            async { if merges { rig.store().merge().await.map(drop) } else { Ok(()) } },
            async { if expires { rig.store().expire().await.map(drop) } else { Ok(()) } },
            look_now_and_then(rig, looks),
        );
        // Before it is heard what was acknowledged: a snapshot may be older than that.
        for snapshot in snapshots {
            self.auditor.look(&snapshot, &self.rig.objects).await;
        }
        self.hear(answers.into_iter().flatten().collect());
    }

    async fn publish(&mut self) {
        let published = self.rig.store().publish().await;
        self.note(format!("publishes: {published:?}"));
    }

    async fn merge(&mut self) {
        let part_bytes = self.chance.one_of(&[1_000, usize::MAX]);
        self.rig.store().merger.lock().await.set_part_bytes(part_bytes);
        let merged = self.rig.store().merge().await;
        self.note(format!("merges: {merged:?}"));
    }

    async fn expire(&mut self) {
        self.allow_expiry();
        let expired = self.rig.store().expire().await;
        self.note(format!("expires: {expired:?}"));
    }

    /// Retention may go by the time it is, whatever the clock says.
    fn allow_expiry(&mut self) {
        let Some(keep) = self.retention else { return };
        let before_ns = self.true_now_ns() - keep.as_nanos() as i64;
        self.auditor.expirable_ns = self.auditor.expirable_ns.max(before_ns);
    }

    fn pass_time(&mut self) {
        let ns =
            self.chance.one_of(&[SECOND_NS, MINUTE_NS, 2 * MINUTE_NS, 15 * MINUTE_NS, 45 * MINUTE_NS, 130 * MINUTE_NS]);
        // A clock that is wrong for a day is believed.
        if self.wrong_ns == 0 {
            self.note(format!("{} s pass", ns / SECOND_NS));
            self.rig.clock.advance(ns);
            self.passed_ns += ns;
        }
    }

    /// Somebody sets the clock wrong, or right again.
    fn set_clock(&mut self) {
        let by_ns = match self.wrong_ns {
            0 => self.chance.one_of(&[-20 * DAY_NS, -2 * 60 * MINUTE_NS, 3 * 60 * MINUTE_NS, 20 * DAY_NS]),
            wrong_ns => -wrong_ns,
        };
        self.note(format!("the clock is set by {} s", by_ns / SECOND_NS));
        self.rig.clock.jump(by_ns);
        self.wrong_ns += by_ns;
    }

    /// Some parts begin to fail, others are well again.
    fn change_weather(&mut self) {
        for (part, fates) in self.rig.fates().into_iter().enumerate() {
            let one_in = self.chance.one_of(&[None, None, None, Some(2), Some(5), Some(20)]);
            let seed = self.chance.next();
            fates.leave_to_chance(seed, one_in);
            if let Some(one_in) = one_in {
                self.told.note(format!("of part {part} one step in {one_in} fails"));
            }
        }
    }

    fn threaten_power(&mut self) {
        let (steps, happens) = (1 + self.chance.below(25), self.chance.one_in(2));
        self.note(format!("the power goes with step {steps}, which happens: {happens}"));
        self.rig.power.goes_after(steps, happens);
    }

    async fn close(&mut self) {
        self.note("closes");
        self.rig.store().close().await;
        self.restart().await;
    }

    /// The process or the machine dies, and comes back.
    async fn restart(&mut self) {
        let (keeps, spoils) = (self.chance.below(300) as usize, self.chance.one_in(2));
        // What is acknowledged before it is synced survives the process only.
        if self.rig.settings.durability == Durability::Relaxed || self.chance.one_in(3) {
            self.note("the hub is killed");
            self.rig.disk.kill();
        } else {
            self.note(format!("the power is cut: {keeps} of 200 unsynced bytes stay, spoilt: {spoils}"));
            self.rig.disk.cut_power(|unsynced| unsynced * keeps / 200, spoils);
            if self.chance.one_in(2) {
                self.rig.disk.forget_removals();
            }
        }
        self.old = None;
        if self.rig.is_diskless && self.chance.one_in(2) {
            self.note("it goes on, but another one takes over");
            self.old = Some(self.rig.lose_store());
        } else {
            self.rig.drop_store();
        }
        self.rig.power.comes_back();
        self.list_what_was().await;
        let opened = self.open().await;
        self.note(format!("starts for the {opened}th time"));
        self.tally = Tally::default();
        self.questions.clear();
        let corrupt = self.rig.store().stats().corrupt_records;
        assert_eq!(corrupt, 0, "what a crash leaves is no damage");
        (0..INSTANCES).for_each(|instance| self.greet(instance));
    }

    /// Object stores tell now and then what was there a while ago.
    async fn list_what_was(&mut self) {
        let listing = self.rig.objects.listing().await;
        let before = std::mem::replace(&mut self.listing, listing);
        let is_stale = !self.is_over && self.chance.one_in(2);
        self.rig.objects.list_as_of(is_stale.then_some(before));
    }

    /// Starts until it succeeds; how often that was.
    async fn open(&mut self) -> u64 {
        // What a start deletes for its age goes by the time it is, too.
        self.allow_expiry();
        for attempt in 1..=FAILED_STARTS {
            if self.rig.open().await.is_ok() {
                return attempt;
            }
        }
        self.rig.fates().into_iter().for_each(|fates| fates.leave_to_chance(0, None));
        self.rig.open().await.unwrap();
        FAILED_STARTS + 1
    }

    /// A question that takes a while.
    fn ask(&mut self) {
        let snapshot = self.rig.store().snapshot();
        let asked_ns = self.passed_ns;
        self.note("a question is asked");
        self.questions.push(Question { snapshot, asked_ns, saw: usize::MAX });
    }

    /// The auditor looks at what there is now, and what running questions still see.
    async fn look(&mut self) {
        let snapshot = self.rig.store().snapshot();
        self.auditor.look(&snapshot, &self.rig.objects).await;
        let (passed_ns, grace_ns) = (self.passed_ns, SNAPSHOT_GRACE.as_nanos() as i64);
        self.questions.retain(|question| passed_ns - question.asked_ns < grace_ns);
        for question in &mut self.questions {
            let saw = self.auditor.seen(&question.snapshot, &self.rig.objects).await.len();
            assert!(question.saw == usize::MAX || question.saw == saw, "{saw} calls are left of {}", question.saw);
            question.saw = saw;
        }
        assert_eq!(self.tally, Tally::of(&self.rig), "what was told and what was counted");
    }

    /// All is well again: everything is brought, published, merged, and what is left over goes.
    pub(super) async fn end(&mut self) {
        self.note("the end");
        self.is_over = true;
        self.rig.fates().into_iter().for_each(|fates| fates.leave_to_chance(0, None));
        self.rig.clock.jump(-self.wrong_ns);
        self.wrong_ns = 0;
        self.rig.settings.live_bytes = 512 << 20;
        // A life may also end without a start that would clear up.
        self.rig.power.comes_back();
        if self.chance.one_in(2) || self.rig.store().stats().live_limit_bytes < 512 << 20 {
            self.restart().await;
        }
        (0..INSTANCES).for_each(|instance| self.greet(instance));
        self.look().await;
        for instance in 0..INSTANCES {
            while let Some(batch) = self.senders[usize::from(instance)].pending.front().cloned() {
                self.auditor.sends(&batch);
                let answers = append(&self.rig, instance, vec![batch.clone()]).await;
                self.hear(answers);
                let left = self.senders[usize::from(instance)].pending.front();
                assert!(left.is_none_or(|left| left.sequence > batch.sequence), "{batch:?} cannot be brought");
            }
        }
        self.rig.store().publish().await.unwrap();
        self.look().await;
        assert!(self.rig.store().snapshot().live.is_empty());
        self.nothing_is_left_over().await;
    }

    async fn nothing_is_left_over(&mut self) {
        // A clock that was set right is doubted for a day, too; and windows of calls whose instances' clocks were ahead end
        // later.
        self.expire().await;
        self.rig.clock.advance(DAY_NS);
        self.passed_ns += DAY_NS;
        self.expire().await;
        while self.rig.store().merge().await.unwrap().segments > 0 {}
        // Retention has waited for a merge whose answer was lost.
        self.expire().await;
        self.look().await;
        let in_sight = self.rig.store().snapshot().segments.len();
        assert!(self.retention.is_none() || in_sight == 0, "{in_sight} segments are too old and in sight");
        // What could not be deleted when it was to go is found at a start.
        self.restart().await;
        self.rig.clock.advance(SNAPSHOT_GRACE.as_nanos() as i64);
        self.passed_ns += SNAPSHOT_GRACE.as_nanos() as i64;
        self.expire().await;
        self.look().await;
        let mut segments: Vec<String> =
            self.rig.store().snapshot().segments.iter().map(|segment| segment.path.clone()).collect();
        segments.sort();
        self.old = None;
        let (mut objects, others): (Vec<String>, Vec<String>) =
            self.rig.objects.paths().await.into_iter().partition(|path| path.starts_with("calls/"));
        let own = others.iter().filter(|path| !path.starts_with("tenures/")).count();
        assert!(own <= MOST_OWN_OBJECTS, "{others:?}");
        objects.sort();
        assert_eq!(objects, segments, "something is left over, or missing");
        let mut windows: Vec<&str> = segments.iter().filter_map(|path| path.split('/').nth(1)).collect();
        windows.dedup();
        assert_eq!(windows.len(), segments.len(), "one segment for each window");
    }
}

async fn append(rig: &Rig, instance: u8, batches: Vec<Batch>) -> Vec<Answer> {
    let answers = batches.into_iter().map(|batch| async move {
        let answer = rig.store().append(&source(instance), batch.packed()).await;
        (instance, batch, answer)
    });
    join_all(answers).await
}

async fn look_now_and_then(rig: &Rig, looks: u64) -> Vec<Snapshot> {
    let mut snapshots = Vec::new();
    for _ in 0..looks {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        snapshots.push(rig.store().snapshot());
    }
    snapshots
}

impl Tally {
    /// Counts an answer; whether the batch must never be sent again.
    fn count(&mut self, answer: &Result<Appended, StoreError>) -> bool {
        let counter = match answer {
            Ok(Appended::Stored { .. }) => &mut self.stored,
            Ok(Appended::Repeated) => &mut self.repeated,
            Err(StoreError::Batch(_) | StoreError::Source(_)) => &mut self.invalid,
            Err(StoreError::Ahead { .. }) => &mut self.ahead,
            Err(StoreError::Busy { .. }) => &mut self.busy,
            Err(StoreError::JournalUnwritable(_)) => &mut self.unwritable,
            Err(other) => panic!("{other}"),
        };
        *counter += 1;
        matches!(answer, Err(StoreError::Batch(_) | StoreError::Ahead { .. }))
    }

    /// What the store counted.
    fn of(rig: &Rig) -> Self {
        let stats = rig.store().stats();
        Self {
            stored: stats.appended_batches,
            repeated: stats.repeated_batches,
            invalid: stats.refused_invalid,
            ahead: stats.refused_ahead,
            busy: stats.refused_busy,
            unwritable: stats.refused_unwritable,
        }
    }
}
