//! The waiting line: so many questions are worked on, so many wait, the rest are refused. Whoever asks much does not make
//! others wait for it: askers take turns, none of them gets the last place, and where the line is full the asker with the
//! most questions in it gives one up for somebody who has fewer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use glasshull_api::{Code, Failure};
use tokio::sync::oneshot;

/// Where questions wait.
#[derive(Clone, Debug)]
pub(crate) struct Line(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max_concurrent: usize,
    max_waiting: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    waiting: usize,
    /// Those with questions that run or wait, by name.
    askers: HashMap<Arc<str>, Asker>,
    /// Counts questions.
    last: u64,
    /// The round that questions are served in now.
    round: u64,
}

#[derive(Debug, Default)]
struct Asker {
    running: usize,
    waiting: VecDeque<Waiter>,
    /// The round its next question is served in: each has one in each round.
    round: u64,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    place: oneshot::Sender<Place>,
}

/// A question that is worked on; dropped when it is not any more.
#[derive(Debug)]
pub(crate) struct Place {
    line: Line,
    asker: Arc<str>,
}

impl Line {
    pub(crate) fn new(max_concurrent: usize, max_waiting: usize) -> Self {
        Self(Arc::new(Shared { max_concurrent: max_concurrent.max(1), max_waiting, state: Mutex::default() }))
    }

    /// Waits for a place, so long at most.
    pub(crate) async fn enter(&self, asker: &str, within: Duration) -> Result<Place, Failure> {
        let (place, _waits) = self.stand_in_line(asker.into()).ok_or_else(|| self.full())?;
        match tokio::time::timeout(within, place).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(self.full()),
        }
    }

    /// Comes to the end of the line, of which those are served for whom there is a place; `None` where it is full.
    fn stand_in_line(&self, name: Arc<str>) -> Option<(oneshot::Receiver<Place>, Waits)> {
        let mut state = self.lock();
        state.last += 1;
        let number = state.last;
        let round = state.round;
        let asker = state.askers.entry(name.clone()).or_default();
        // Who asks now and then has nothing coming from the rounds without him.
        asker.round = asker.round.max(round);
        let (place, gets) = oneshot::channel();
        asker.waiting.push_back(Waiter { number, place });
        state.waiting += 1;
        let unclaimed = self.serve(&mut state);
        let is_turned_away = state.waiting > self.0.max_waiting && state.turn_away() == Some(number);
        drop(state);
        drop(unclaimed);
        (!is_turned_away).then(|| (gets, Waits { line: self.clone(), asker: name, number }))
    }

    /// Hands out what places there are. Those whose askers have just gone away come back, to be dropped without the lock.
    fn serve(&self, state: &mut State) -> Vec<Place> {
        let mut unclaimed = Vec::new();
        while state.running < self.0.max_concurrent
            && let Some(name) = state.next(self.most_of_one())
        {
            let Some(asker) = state.askers.get_mut(&name) else { break };
            let Some(waiter) = asker.waiting.pop_front() else { break };
            asker.running += 1;
            asker.round += 1;
            let served_in = asker.round - 1;
            state.round = state.round.max(served_in);
            state.running += 1;
            state.waiting -= 1;
            unclaimed.extend(waiter.place.send(Place { line: self.clone(), asker: name }).err());
        }
        unclaimed
    }

    /// Places one asker may have at a time: the last one is kept for somebody else.
    fn most_of_one(&self) -> usize {
        (self.0.max_concurrent - 1).max(1)
    }

    fn full(&self) -> Failure {
        let (running, waiting) = (self.running(), self.waiting());
        let message = format!("{running} queries are running and {waiting} are waiting.");
        Failure::new(Code::TooManyQueries, message).hint("Ask again in a moment.")
    }

    pub(crate) fn running(&self) -> usize {
        self.lock().running
    }

    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whose turn it is: of those who may have another place, the one with the fewest, of these the one whose round is the
    /// first, and of these the one that has waited longest.
    fn next(&self, most_of_one: usize) -> Option<Arc<str>> {
        let may = |asker: &Asker| !asker.waiting.is_empty() && asker.running < most_of_one;
        let askers = self.askers.iter().filter(|(_, asker)| may(asker));
        let first = |asker: &Asker| asker.waiting.front().map(|waiter| waiter.number);
        askers.min_by_key(|(_, asker)| (asker.running, asker.round, first(asker))).map(|(name, _)| name.clone())
    }

    /// Turns away the last question of the asker with the most that wait, of several that of whoever came last; its
    /// number.
    fn turn_away(&mut self) -> Option<u64> {
        let last = |asker: &Asker| asker.waiting.back().map(|waiter| waiter.number);
        let most = self.askers.iter().max_by_key(|(_, asker)| (asker.waiting.len(), last(asker)));
        let name = most.map(|(name, _)| name.clone())?;
        let number = self.askers.get_mut(&name)?.waiting.pop_back()?.number;
        self.waiting -= 1;
        self.forget(&name);
        Some(number)
    }

    fn leave(&mut self, name: &str, number: u64) {
        let Some(asker) = self.askers.get_mut(name) else { return };
        let before = asker.waiting.len();
        asker.waiting.retain(|waiter| waiter.number != number);
        self.waiting -= before - asker.waiting.len();
        self.forget(name);
    }

    /// Forgets an asker who asks nothing.
    fn forget(&mut self, name: &str) {
        if let Some(asker) = self.askers.get(name).filter(|asker| asker.running == 0 && asker.waiting.is_empty()) {
            // Who comes back at once is not served before others a second time.
            self.round = self.round.max(asker.round);
            self.askers.remove(name);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        state.running -= 1;
        if let Some(asker) = state.askers.get_mut(&self.asker) {
            asker.running -= 1;
        }
        state.forget(&self.asker);
        let unclaimed = self.line.serve(&mut state);
        drop(state);
        drop(unclaimed);
    }
}

/// Stands in line for as long as it lives, also where it gives up.
#[derive(Debug)]
struct Waits {
    line: Line,
    asker: Arc<str>,
    number: u64,
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.line.lock().leave(&self.asker, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::future::BoxFuture;

    const LONG: Duration = Duration::from_secs(60);

    type Entering = BoxFuture<'static, Result<Place, Failure>>;

    /// Begins to wait, in this order.
    fn enter(line: &Line, asker: &'static str) -> Entering {
        let line = line.clone();
        let mut entering = async move { line.enter(asker, LONG).await }.boxed();
        match (&mut entering).now_or_never() {
            Some(entered) => std::future::ready(entered).boxed(),
            None => entering,
        }
    }

    fn entered(entering: &mut Entering) -> Option<Place> {
        entering.now_or_never().map(|entered| entered.expect("a place"))
    }

    #[tokio::test]
    async fn askers_take_turns() {
        let line = Line::new(1, 64);
        let mut first = entered(&mut enter(&line, "much"));
        assert!(first.is_some());
        let mut much: Vec<Entering> = (0..49).map(|_| enter(&line, "much")).collect();
        let mut one = enter(&line, "little");
        assert!(entered(&mut one).is_none());
        first.take();
        let place = entered(&mut one).expect("it is its turn");
        assert!(much.iter_mut().all(|waiting| waiting.now_or_never().is_none()));
        drop(place);
        assert!(entered(&mut much[0]).is_some(), "first come, first served");
    }

    #[tokio::test]
    async fn those_who_come_again_and_again_do_not_hold_up_who_asks_much() {
        let line = Line::new(1, 64);
        let mut running = entered(&mut enter(&line, "much"));
        let mut much = enter(&line, "much");
        let mut others: Vec<Entering> = ["a", "b"].into_iter().map(|asker| enter(&line, asker)).collect();
        for _ in 0..4 {
            running.take();
            if let Some(place) = entered(&mut much) {
                drop(place);
                return;
            }
            let next = others.iter_mut().position(|other| match entered(other) {
                Some(place) => running.replace(place).is_none(),
                None => false,
            });
            others[next.expect("somebody is served")] = enter(&line, ["a", "b"][next.unwrap_or(0)]);
        }
        panic!("they were always served first");
    }

    #[tokio::test]
    async fn the_last_place_is_for_somebody_else() {
        let line = Line::new(3, 64);
        let mut much: Vec<Entering> = (0..50).map(|_| enter(&line, "much")).collect();
        let places: Vec<Place> = much.iter_mut().filter_map(entered).collect();
        assert_eq!((places.len(), line.running(), line.waiting()), (2, 2, 48));
        assert!(entered(&mut enter(&line, "little")).is_some());
        drop(much);
        drop(places);
        assert_eq!((line.running(), line.waiting()), (0, 0));
        assert!(line.lock().askers.is_empty());
    }

    #[tokio::test]
    async fn a_full_line_turns_those_away_who_ask_most() {
        let line = Line::new(1, 3);
        let running = entered(&mut enter(&line, "much"));
        let mut much: Vec<Entering> = (0..3).map(|_| enter(&line, "much")).collect();
        let refused = enter(&line, "much").await.expect_err("it is full");
        assert_eq!(refused.known_code(), Some(Code::TooManyQueries));
        let (mut second, mut third) = (enter(&line, "second"), enter(&line, "third"));
        assert!(much.pop().expect("three").await.is_err() && much.pop().expect("two").await.is_err());
        assert!(enter(&line, "fourth").await.is_err(), "nobody has more than one");
        drop(running);
        let place = entered(&mut second).expect("it is its turn");
        drop(place);
        drop(entered(&mut third).expect("it is its turn"));
        assert!(entered(&mut much[0]).is_some());
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_line_and_gives_back_what_it_was_given() {
        let line = Line::new(1, 2);
        let running = entered(&mut enter(&line, "a"));
        let (gives_up, is_served) = (enter(&line, "b"), enter(&line, "c"));
        drop(gives_up);
        assert_eq!(line.waiting(), 1);
        drop(running);
        assert_eq!((line.running(), line.waiting()), (1, 0), "it has its place, and does not know it yet");
        drop(is_served);
        let _holds = entered(&mut enter(&line, "d")).expect("the place is free again");
        assert!(line.enter("e", Duration::ZERO).await.is_err(), "it waited too long");
        assert_eq!((line.running(), line.waiting()), (1, 0));
    }
}
