use async_trait::async_trait;
use glasshull_api::Failure;
use glasshull_api::answers::{Functions, Instances, Probes};

/// What the tables `functions`, `services`, `instances` and `probes` hold: the hub's live state, asked once for each
/// question that names one of them.
#[async_trait]
pub trait Tables: Send + Sync + 'static {
    /// All functions that can be traced.
    async fn functions(&self) -> Result<Functions, Failure>;

    /// All instances that are or were connected.
    async fn instances(&self) -> Result<Instances, Failure>;

    /// All probes, those that have ended too.
    async fn probes(&self) -> Result<Probes, Failure>;
}
