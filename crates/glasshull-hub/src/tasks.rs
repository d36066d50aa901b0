//! What runs beside the requests, and what is known of a task that ended though the hub goes on.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Begins tasks, and remembers those that ended by a fault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    failed: Arc<Mutex<Vec<&'static str>>>,
}

impl Tasks {
    /// Begins a task that ends when it is told to stop, and not before.
    pub(crate) fn begin(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let watch = Watch { name, stop: stop.clone(), failed: self.failed.clone() };
        tokio::spawn(async move {
            let _watch = watch;
            task.await;
        })
    }

    /// Those that ended by a fault, in the order in which they did.
    pub(crate) fn failed(&self) -> Vec<&'static str> {
        self.failed.lock().clone()
    }
}

/// Goes with its task, however that ends.
struct Watch {
    name: &'static str,
    stop: CancellationToken,
    failed: Arc<Mutex<Vec<&'static str>>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            tracing::error!(task = self.name, "a background task ended by a fault of the hub's own; restart the hub");
            self.failed.lock().push(self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_that_end_unasked_are_remembered_and_others_are_not() {
        let (tasks, stop) = (Tasks::default(), CancellationToken::new());
        let asked = stop.clone();
        let good = tasks.begin("good", &stop, async move { asked.cancelled().await });
        tasks.begin("panics", &stop, async { panic!("planted") }).await.expect_err("it panicked");
        tasks.begin("returns", &stop, async {}).await.expect("it ends");
        assert_eq!(tasks.failed(), ["panics", "returns"]);
        stop.cancel();
        good.await.expect("it ends");
        assert_eq!(tasks.failed(), ["panics", "returns"]);
    }
}
