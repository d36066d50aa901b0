//! How fast segments are merged: as long as nothing else is to be done on half a core, else slower. It never stands
//! still, or a hub under load for days would never merge.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Failed;
use crate::shared::{SHORT_FROM, Shared};

/// How long a merge rests, by how long it has worked: where there is nothing else to do; while rows are published;
/// when the live table is so full that senders are asked to wait.
const AT_EASE: u32 = 1;
const PUBLISHING: u32 = 4;
const SHORT_OF_ROOM: u32 = 20;

/// The longest rest: after it is asked again what else is to be done.
const MAX_REST: Duration = Duration::from_secs(2);

/// Gives way to what is more urgent.
#[derive(Clone)]
pub(super) struct Pace {
    pub(super) shared: Arc<Shared>,
    pub(super) stop: CancellationToken,
}

impl Pace {
    /// Rests after having worked for so long; fails where the merge is to stop.
    pub(super) async fn rest(&self, worked: Duration) -> Result<(), Failed> {
        let rest = rest(worked, self.shared.publishing.load(Relaxed), self.shared.fullness());
        let slept = self.stop.run_until_cancelled(tokio::time::sleep(rest)).await;
        slept.ok_or(Failed::Stopped)
    }
}

fn rest(worked: Duration, publishing: bool, fullness: f64) -> Duration {
    let times = match (publishing, fullness >= SHORT_FROM) {
        (_, true) => SHORT_OF_ROOM,
        (true, false) => PUBLISHING,
        (false, false) => AT_EASE,
    };
    (worked * times).min(MAX_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_rests_the_longer_the_more_else_there_is_to_do() {
        let worked = Duration::from_millis(10);
        assert_eq!(rest(worked, false, 0.0), worked);
        assert_eq!(rest(worked, true, 0.4), 4 * worked);
        assert_eq!(rest(worked, true, SHORT_FROM), 20 * worked);
        assert_eq!(rest(worked, false, 1.0), 20 * worked);
        assert_eq!(rest(Duration::MAX / 100, false, 1.0), MAX_REST);
        assert_eq!(rest(Duration::ZERO, true, 1.0), Duration::ZERO);
    }
}
