//! Batches the hub has not acknowledged.

use std::collections::VecDeque;

use glasshull_wire::Message as _;
use glasshull_wire::v1::{CallBatch, ToHub, to_hub};
use tungstenite::Bytes;

struct Waiting {
    sequence: u64,
    /// Calls in it that have ended: those that are lost with it.
    ended: u64,
    /// An encoded `ToHub`.
    message: Bytes,
}

/// Batches in order of their sequence, within a budget of bytes.
pub(crate) struct Outbox {
    budget: usize,
    bytes: usize,
    next_sequence: u64,
    waiting: VecDeque<Waiting>,
    /// How many of them were sent over the present connection.
    sent: usize,
}

impl Outbox {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, bytes: 0, next_sequence: 1, waiting: VecDeque::new(), sent: 0 }
    }

    /// Whether the budget is used up. Then newer calls are dropped, not older ones: what is here may be under way
    /// already, and its sequence has no gaps.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.budget
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Takes a batch with the next sequence, in which so many calls have ended; false if the budget does not allow it.
    pub(crate) fn push(&mut self, batch: CallBatch, ended: u64) -> bool {
        let sequence = batch.sequence;
        let message: Bytes = ToHub { message: Some(to_hub::Message::Batch(batch)) }.encode_to_vec().into();
        if self.bytes + message.len() > self.budget {
            return false;
        }
        self.bytes += message.len();
        self.next_sequence = sequence + 1;
        self.waiting.push_back(Waiting { sequence, ended, message });
        true
    }

    /// The next batch to send over this connection.
    pub(crate) fn next(&self) -> Option<Bytes> {
        self.waiting.get(self.sent).map(|waiting| waiting.message.clone())
    }

    /// Hands out what would be sent.
    #[cfg(feature = "testing")]
    pub(crate) fn take_batches(&mut self) -> Vec<CallBatch> {
        let batch = |waiting: Waiting| match ToHub::decode(waiting.message).ok()?.message? {
            to_hub::Message::Batch(batch) => Some(batch),
            _ => None,
        };
        self.waiting.drain(..).filter_map(batch).collect()
    }

    pub(crate) fn mark_sent(&mut self) {
        self.sent = (self.sent + 1).min(self.waiting.len());
    }

    /// A new connection: everything is to be sent again.
    pub(crate) fn rewind(&mut self) {
        self.sent = 0;
    }

    /// The hub has made everything up to here durable.
    pub(crate) fn acknowledge(&mut self, sequence: u64) {
        while let Some(first) = self.waiting.front()
            && first.sequence <= sequence
        {
            self.bytes -= first.message.len();
            self.waiting.pop_front();
            self.sent = self.sent.saturating_sub(1);
        }
    }

    /// The hub will not take this batch. Returns how many calls are lost.
    pub(crate) fn refuse(&mut self, sequence: u64) -> u64 {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.sequence == sequence) else { return 0 };
        if place < self.sent {
            self.sent -= 1;
        }
        let refused = self.waiting.remove(place);
        refused.map_or(0, |refused| {
            self.bytes -= refused.message.len();
            refused.ended
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no batch before this one waits.
    pub(crate) fn is_clear_before(&self, sequence: u64) -> bool {
        self.waiting.front().is_none_or(|first| first.sequence >= sequence)
    }

    pub(crate) fn calls(&self) -> u64 {
        self.waiting.iter().map(|waiting| waiting.ended).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(sequence: u64) -> CallBatch {
        CallBatch { sequence, calls: 10, columns: vec![0; 100], ..CallBatch::default() }
    }

    fn outbox(batches: u64) -> Outbox {
        let mut outbox = Outbox::new(10_000);
        assert!((1..=batches).all(|sequence| outbox.push(batch(sequence), 10)));
        outbox
    }

    fn sent(outbox: &mut Outbox) -> usize {
        let mut sent = 0;
        while outbox.next().is_some() {
            outbox.mark_sent();
            sent += 1;
        }
        sent
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again() {
        let mut outbox = outbox(5);
        assert_eq!(sent(&mut outbox), 5);
        outbox.acknowledge(2);
        outbox.rewind();
        assert_eq!(sent(&mut outbox), 3);
        outbox.acknowledge(5);
        assert!(outbox.is_clear_before(6) && outbox.bytes() == 0);
    }

    #[test]
    fn beyond_the_budget_newer_batches_are_refused() {
        let mut outbox = Outbox::new(250);
        assert!(outbox.push(batch(1), 10) && outbox.push(batch(2), 10));
        assert!(!outbox.push(batch(3), 10));
        assert_eq!((outbox.next_sequence(), outbox.calls()), (3, 20));
        outbox.acknowledge(1);
        assert!(outbox.push(batch(3), 10));
    }

    #[test]
    fn a_refused_batch_is_gone_and_its_calls_counted() {
        let mut outbox = outbox(3);
        outbox.mark_sent();
        outbox.mark_sent();
        assert_eq!(outbox.refuse(2), 10);
        assert_eq!(outbox.refuse(2), 0);
        assert_eq!(sent(&mut outbox), 1);
        assert!(outbox.is_clear_before(1) && !outbox.is_clear_before(2));
        outbox.acknowledge(3);
        assert!(outbox.is_clear_before(4));
    }
}
