//! The customers: steady orders, come what may.

pub mod orders;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

use crate::order::{Order, Receipt};
use crate::peer::{Peer, PeerError};
use orders::Orders;

/// Orders under way at a time, so that a shop that hangs is not buried; further customers leave and are counted.
const MAX_UNDER_WAY: usize = 500;

/// How often the counts are told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// How the customers fare.
#[derive(Debug, Default)]
pub struct Counts {
    pub served: AtomicU64,
    pub refused: AtomicU64,
    pub left: AtomicU64,
}

/// What the customers do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub orders_per_second: u32,
    /// Then they go home; nobody means they never do.
    pub orders: Option<u64>,
}

/// Customers on their way to a storefront.
pub struct Load {
    storefront: Peer,
    room: Arc<Semaphore>,
    counts: Counts,
}

#[glasshull::trace]
impl Load {
    /// One customer orders one thing.
    pub async fn buy(&self, order: Order) -> Result<Receipt, PeerError> {
        self.storefront.ask("/orders", &order).await
    }
}

impl Load {
    pub fn new(storefront: Peer) -> Arc<Self> {
        Arc::new(Self { storefront, room: Arc::new(Semaphore::new(MAX_UNDER_WAY)), counts: Counts::default() })
    }

    /// Sends orders as planned until they are through or `stop` is ready.
    pub async fn run(self: Arc<Self>, plan: Plan, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = self.send(plan) => {}
            () = self.tell() => {}
            () = stop => {}
        }
    }

    async fn send(self: &Arc<Self>, plan: Plan) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / plan.orders_per_second.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let orders = usize::try_from(plan.orders.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        for order in Orders::new(plan.seed).take(orders) {
            ticks.tick().await;
            self.send_one(order);
        }
        // All the room there is: the last customer has been served.
        let _ = self.room.acquire_many(MAX_UNDER_WAY as u32).await;
    }

    fn send_one(self: &Arc<Self>, order: Order) {
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            self.counts.left.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let load = self.clone();
        tokio::spawn(async move {
            let count = if load.buy(order).await.is_ok() { &load.counts.served } else { &load.counts.refused };
            count.fetch_add(1, Ordering::Relaxed);
            drop(place);
        });
    }

    async fn tell(&self) {
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            crate::say(&format!("{}", self.counts));
        }
    }

    /// Counts so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [served, refused, left] = [&self.served, &self.refused, &self.left].map(|n| n.load(Ordering::Relaxed));
        write!(f, "{served} orders served, {refused} refused, {left} customers left")
    }
}
