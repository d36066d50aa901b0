//! What the program of the soak does: functions of all kinds, twice, once with Glasshull's attribute and once without.
//! Both give the same, whatever happens around them.

use serde::{Deserialize, Serialize};

/// Something with fields.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub(crate) struct Parcel {
    pub(crate) id: u64,
    pub(crate) to: String,
    pub(crate) items: Vec<u32>,
}

/// An error with a cause.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lost(pub(crate) u64);

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "parcel {} is lost", self.0)
    }
}

impl std::error::Error for Lost {}

/// What a panic of ours carries; the hook of the soak's program is silent about it.
pub(crate) const PLANNED: &str = "this was planned";

macro_rules! work {
    ($name:ident $(, #[$attribute:meta])?) => {
        pub(crate) mod $name {
            use std::panic::{AssertUnwindSafe, catch_unwind};
            use std::time::Duration;

            use super::super::ledger::note;
            use super::{Lost, PLANNED, Parcel};

            /// A request on a thread.
            $(#[$attribute])?
            pub(crate) fn deliver(parcel: &Parcel) -> Result<u64, Lost> {
                note();
                let route = branch(parcel.id, 4);
                let weight = parcel.items.iter().map(|item| weigh(*item, &parcel.to)).sum::<u64>();
                let caught = catch_unwind(AssertUnwindSafe(|| fragile(parcel.id))).unwrap_or(7);
                if parcel.id % 11 == 0 { Err(Lost(parcel.id)) } else { Ok(route ^ weight ^ caught) }
            }

            $(#[$attribute])?
            fn branch(n: u64, depth: u32) -> u64 {
                note();
                if depth == 0 {
                    return n.rotate_left(7);
                }
                let mut rest = Some(n % 3);
                let left = branch(n / 2, depth - 1);
                match rest.take() {
                    Some(0) => left,
                    _ => left ^ branch(n / 3, depth - 1),
                }
            }

            $(#[$attribute])?
            fn weigh(item: u32, to: &str) -> u64 {
                note();
                u64::from(item) * to.len() as u64
            }

            $(#[$attribute])?
            fn fragile(n: u64) -> u64 {
                note();
                if n % 13 == 0 {
                    std::panic::panic_any(PLANNED);
                }
                n / 13
            }

            /// A request in a task.
            $(#[$attribute])?
            pub(crate) async fn visit(n: u64) -> u64 {
                note();
                // Some are seen while they run.
                let near = wait(if n % 101 == 0 { 700 } else { n % 3 }, n).await;
                let far = tokio::spawn(glasshull::spawnable(elsewhere(n))).await.unwrap_or(0);
                // One of the two is dropped before it is ready.
                let first = tokio::select! {
                    biased;
                    never = wait(1_000_000, n) => never,
                    () = tokio::time::sleep(Duration::from_millis(n % 4)) => n,
                };
                near ^ far ^ first
            }

            $(#[$attribute])?
            async fn wait(milliseconds: u64, n: u64) -> u64 {
                note();
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                branch(n, 2)
            }

            $(#[$attribute])?
            async fn elsewhere(n: u64) -> u64 {
                note();
                tokio::task::yield_now().await;
                weigh(n as u32 % 1_000, "elsewhere")
            }
        }
    };
}

work!(plain);
work!(traced, #[glasshull::trace]);

impl Parcel {
    pub(crate) fn numbered(id: u64) -> Self {
        Self { id, to: format!("house {}", id % 1_000), items: (0..id as u32 % 8).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_copies_give_the_same() {
        for n in (0..2_000).filter(|n| n % 13 != 0) {
            let parcel = Parcel::numbered(n);
            assert_eq!(plain::deliver(&parcel), traced::deliver(&parcel));
        }
        for n in 1..20 {
            assert_eq!(plain::visit(n).await, traced::visit(n).await);
        }
    }
}
