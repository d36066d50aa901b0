//! What a person decides: plain data, from a TOML file, the environment and flags.

mod durability;
mod key;
mod layer;
mod memory;
mod period;
mod size;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use glasshull_api::{Code, Failure};

use crate::limits::MAX_QUERY_TIMEOUT;

pub use durability::Durability;
pub use key::Key;
pub use layer::SettingsLayer;
pub(crate) use memory::Shares;
pub use memory::{DEFAULT_MEMORY, MIN_MEMORY};
pub use period::Period;
pub use size::Size;

/// Where a hub is found if nobody says otherwise. Loopback: nobody else can reach it.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7171";

/// Where a hub keeps everything if nobody says otherwise.
pub const DEFAULT_DATA: &str = ".glasshull";

/// Everything a hub can be told. Made of [`SettingsLayer`]s by [`Settings::new`], which checks them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder for everything the hub keeps.
    pub data: PathBuf,
    /// The one address: page, API, SDK sessions.
    pub listen: SocketAddr,
    /// What every client must show. `None` only on loopback addresses.
    pub key: Option<Key>,
    /// When calls are acknowledged.
    pub durability: Durability,
    /// Where calls lie when they are published: s3://BUCKET/PREFIX. `None`: in the data folder.
    pub objects: Option<String>,
    /// Memory the hub may take, all in all. What is not said below is a share of it.
    pub memory: Size,
    /// Calls older than this are deleted. `None`: never.
    pub retention: Option<Duration>,
    /// Calls that began in the same window lie in the same files.
    pub window: Duration,
    /// Live rows become segments after this time at the latest.
    pub publish_after: Duration,
    /// Live rows become segments when they take this much memory.
    pub publish_bytes: u64,
    /// Memory of live rows; beyond it instances are told to wait.
    pub live_bytes: u64,
    /// Instances that may be connected at a time.
    pub max_instances: usize,
    /// TCP connections that may be open at a time.
    pub max_connections: usize,
    /// Time one query may take.
    pub query_timeout: Duration,
    /// Memory all queries together may take.
    pub query_memory_bytes: u64,
    /// Rows one query may answer in JSON; in columns a hundred times as many.
    pub query_rows: u32,
    /// Queries that run at a time; as many again may wait.
    pub max_queries: usize,
    /// Time a stopping hub takes to finish what is under way.
    pub stop_within: Duration,
}

impl Settings {
    /// The settings, from the layers merged into one; what no layer says takes its default.
    ///
    /// # Errors
    /// [`Code::SettingsWrong`] where settings contradict each other, foremost an address that others can reach
    /// without a key.
    pub fn new(layer: SettingsLayer) -> Result<Self, Failure> {
        let layer = layer.completed();
        let needed = |name: &str| wrong(format!("the setting `{name}` is missing"));
        let period = |value: Option<Period>, name| value.map(Period::duration).ok_or_else(|| needed(name));
        let settings = Self {
            data: layer.data.ok_or_else(|| needed("data"))?,
            listen: layer.listen.ok_or_else(|| needed("listen"))?,
            key: layer.key,
            durability: layer.durability.unwrap_or_default(),
            objects: layer.objects,
            memory: layer.memory.ok_or_else(|| needed("memory"))?,
            retention: layer.retention.map(Period::duration),
            window: period(layer.window, "window")?,
            publish_after: period(layer.publish_after, "publish-after")?,
            publish_bytes: layer.publish_bytes.ok_or_else(|| needed("publish-bytes"))?,
            live_bytes: layer.live_bytes.ok_or_else(|| needed("live-bytes"))?,
            max_instances: layer.max_instances.ok_or_else(|| needed("max-instances"))?,
            max_connections: layer.max_connections.ok_or_else(|| needed("max-connections"))?,
            query_timeout: period(layer.query_timeout, "query-timeout")?,
            query_memory_bytes: layer.query_memory_bytes.ok_or_else(|| needed("query-memory-bytes"))?,
            query_rows: layer.query_rows.ok_or_else(|| needed("query-rows"))?,
            max_queries: layer.max_queries.ok_or_else(|| needed("max-queries"))?,
            stop_within: period(layer.stop_within, "stop-within")?,
        };
        settings.check()?;
        Ok(settings)
    }

    /// How the memory is shared out.
    pub(crate) fn shares(&self) -> Shares {
        let Self { publish_bytes, live_bytes, query_memory_bytes, .. } = *self;
        Shares { live: live_bytes, publish: publish_bytes, query: query_memory_bytes, ..Shares::of(self.memory) }
    }

    fn check(&self) -> Result<(), Failure> {
        self.check_reach()?;
        if let Some(url) = &self.objects {
            crate::objects::check_url(url).map_err(wrong)?;
        } else if self.durability == Durability::ObjectStore {
            return Err(wrong("`durability = object-store` needs `objects`: where the object store is"));
        }
        let seconds = [("window", self.window), ("query-timeout", self.query_timeout)];
        if let Some((name, _)) = seconds.iter().find(|(_, period)| *period < Duration::from_secs(1)) {
            return Err(wrong(format!("`{name}` must be one second at least")));
        }
        let counts = [self.max_instances, self.max_connections, self.max_queries, self.query_rows as usize];
        if counts.contains(&0) {
            return Err(wrong("`max-instances`, `max-connections`, `max-queries` and `query-rows` must be 1 at least"));
        }
        if self.retention.is_some_and(|retention| retention < self.window) {
            return Err(wrong("`retention` must not be shorter than `window`, as whole windows are deleted"));
        }
        if self.query_timeout > MAX_QUERY_TIMEOUT {
            let most = MAX_QUERY_TIMEOUT.as_secs();
            return Err(wrong(format!(
                "`query-timeout` must be {most}s at most: files a query reads are kept no longer"
            )));
        }
        if self.memory.bytes() < MIN_MEMORY.bytes() {
            return Err(wrong(format!("`memory` must be {MIN_MEMORY} at least")));
        }
        if self.publish_bytes > self.live_bytes {
            return Err(wrong("`publish-bytes` must not exceed `live-bytes`: rows could never be published in time"));
        }
        Ok(())
    }

    /// Captured arguments are other people's secrets: they are never offered to a network without a key.
    fn check_reach(&self) -> Result<(), Failure> {
        if self.listen.ip().is_loopback() || self.key.is_some() {
            return Ok(());
        }
        let message = format!(
            "Listening on {} without a key would let anybody who reaches it read captured arguments and trace programs.",
            self.listen
        );
        let hint = format!("Set GLASSHULL_KEY to a long random text, or listen on {DEFAULT_LISTEN}.");
        Err(Failure::new(Code::SettingsWrong, message).hint(hint))
    }
}

/// Reads a layer from a TOML file.
///
/// # Errors
/// [`Code::SettingsWrong`] where the file cannot be read, is no TOML, or holds a key that does not exist.
pub fn read_file(path: &Path) -> Result<SettingsLayer, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| wrong(format!("the settings file {} cannot be read: {e}", path.display())))?;
    toml::from_str(&text)
        .map_err(|e| wrong(format!("the settings file {} is wrong: {}", path.display(), e.to_string().trim())))
}

fn wrong(what: impl std::fmt::Display) -> Failure {
    Failure::new(Code::SettingsWrong, format!("The settings are wrong: {what}."))
        .hint("`glasshull up --help` explains each; `glasshull up --print-settings` shows those in force.")
}
