use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{DEFAULT_DATA, DEFAULT_LISTEN, DEFAULT_MEMORY, Durability, Key, Period, Shares, Size};

/// What one source says; absent where it is silent. Flags and environment variables are one layer (flags win), the
/// TOML file is another, the defaults are the last. Keys of the file are the flags' names with `_` for `-`.
#[derive(Args, Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsLayer {
    /// Folder for everything the hub keeps; made if it is missing [default: .glasshull]
    #[arg(long, env = "GLASSHULL_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Address to listen on: page, API and SDKs [default: 127.0.0.1:7171]
    ///
    /// An address that is not loopback needs a key.
    #[arg(long, env = "GLASSHULL_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,

    /// What every client must show. Its flag and its variable (`--key`, GLASSHULL_KEY) are the command line's own, as
    /// clients show it with the same.
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub key: Option<Key>,

    /// When calls are acknowledged [default: journal]
    #[arg(long, env = "GLASSHULL_DURABILITY", value_enum, value_name = "WHEN", help_heading = "Storage")]
    pub durability: Option<Durability>,

    /// Where calls lie when they are published, such as s3://BUCKET/PREFIX [default: in the data folder]
    ///
    /// Keys and endpoint are taken from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL.
    #[arg(long, env = "GLASSHULL_OBJECTS", value_name = "URL", help_heading = "Storage")]
    pub objects: Option<String>,

    /// Delete calls older than this, such as 7d [default: never]
    #[arg(long, env = "GLASSHULL_RETENTION", value_name = "PERIOD", help_heading = "Storage")]
    pub retention: Option<Period>,

    /// Calls that began in the same window lie in the same files [default: 10m]
    #[arg(long, env = "GLASSHULL_WINDOW", value_name = "PERIOD", help_heading = "Storage")]
    pub window: Option<Period>,

    /// Live rows become files after this time at the latest [default: 60s]
    #[arg(long, env = "GLASSHULL_PUBLISH_AFTER", value_name = "PERIOD", help_heading = "Storage")]
    pub publish_after: Option<Period>,

    /// Live rows become files when they take this much memory [default: an eighth of what there is]
    #[arg(long, env = "GLASSHULL_PUBLISH_BYTES", value_name = "BYTES", help_heading = "Storage")]
    pub publish_bytes: Option<u64>,

    /// Memory of live rows; beyond it instances are told to wait [default: three eighths of what there is]
    #[arg(long, env = "GLASSHULL_LIVE_BYTES", value_name = "BYTES", help_heading = "Storage")]
    pub live_bytes: Option<u64>,

    /// Memory the hub may take, all in all, such as 4GiB [default: 1GiB]
    ///
    /// Live rows, publishing, merging, queries and caches get shares of what is left of it beside 96 MiB for the hub itself.
    /// Messages that are just arriving come on top: as a rule some KiB for each instance, 4 MiB at most.
    #[arg(long, env = "GLASSHULL_MEMORY", value_name = "SIZE", help_heading = "Limits")]
    pub memory: Option<Size>,

    /// Instances that may be connected at a time [default: 2000]
    #[arg(long, env = "GLASSHULL_MAX_INSTANCES", value_name = "N", help_heading = "Limits")]
    pub max_instances: Option<usize>,

    /// TCP connections that may be open at a time [default: 4096]
    #[arg(long, env = "GLASSHULL_MAX_CONNECTIONS", value_name = "N", help_heading = "Limits")]
    pub max_connections: Option<usize>,

    /// Time one query may take [default: 30s]
    #[arg(long, env = "GLASSHULL_QUERY_TIMEOUT", value_name = "PERIOD", help_heading = "Limits")]
    pub query_timeout: Option<Period>,

    /// Memory all queries together may take; one of them at most half of it [default: a quarter of what there is]
    #[arg(long, env = "GLASSHULL_QUERY_MEMORY_BYTES", value_name = "BYTES", help_heading = "Limits")]
    pub query_memory_bytes: Option<u64>,

    /// Rows one query may answer in JSON; in columns, for the page, a hundred times as many [default: 10000]
    #[arg(long, env = "GLASSHULL_QUERY_ROWS", value_name = "N", help_heading = "Limits")]
    pub query_rows: Option<u32>,

    /// Queries that run at a time [default: 8]
    #[arg(long, env = "GLASSHULL_MAX_QUERIES", value_name = "N", help_heading = "Limits")]
    pub max_queries: Option<usize>,

    /// Time a stopping hub takes to finish what is under way, where no second Ctrl-C ends it at once [default: 10s]
    #[arg(long, env = "GLASSHULL_STOP_WITHIN", value_name = "PERIOD", help_heading = "Limits")]
    pub stop_within: Option<Period>,
}

impl SettingsLayer {
    /// What is not said, too: what holds where nobody says anything.
    #[must_use]
    pub fn completed(self) -> Self {
        let mut defaults = Self::defaults(self.memory.unwrap_or(DEFAULT_MEMORY));
        // A live table that was made smaller is published in as many parts as before.
        defaults.publish_bytes =
            defaults.publish_bytes.min(self.live_bytes.map(|live| live / 3).or(defaults.publish_bytes));
        self.over(defaults)
    }

    fn defaults(memory: Size) -> Self {
        let shares = Shares::of(memory);
        Self {
            data: Some(DEFAULT_DATA.into()),
            listen: DEFAULT_LISTEN.parse().ok(),
            key: None,
            durability: Some(Durability::default()),
            objects: None,
            memory: Some(memory),
            retention: None,
            window: Some(Period::seconds(600)),
            publish_after: Some(Period::seconds(60)),
            publish_bytes: Some(shares.publish),
            live_bytes: Some(shares.live),
            max_instances: Some(2_000),
            max_connections: Some(4_096),
            query_timeout: Some(Period::seconds(30)),
            query_memory_bytes: Some(shares.query),
            query_rows: Some(10_000),
            max_queries: Some(8),
            stop_within: Some(Period::seconds(10)),
        }
    }

    /// This layer where it says something, else the one below.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            data: self.data.or(below.data),
            listen: self.listen.or(below.listen),
            key: self.key.or(below.key),
            durability: self.durability.or(below.durability),
            objects: self.objects.or(below.objects),
            memory: self.memory.or(below.memory),
            retention: self.retention.or(below.retention),
            window: self.window.or(below.window),
            publish_after: self.publish_after.or(below.publish_after),
            publish_bytes: self.publish_bytes.or(below.publish_bytes),
            live_bytes: self.live_bytes.or(below.live_bytes),
            max_instances: self.max_instances.or(below.max_instances),
            max_connections: self.max_connections.or(below.max_connections),
            query_timeout: self.query_timeout.or(below.query_timeout),
            query_memory_bytes: self.query_memory_bytes.or(below.query_memory_bytes),
            query_rows: self.query_rows.or(below.query_rows),
            max_queries: self.max_queries.or(below.max_queries),
            stop_within: self.stop_within.or(below.stop_within),
        }
    }

    /// As a settings file. A key is only mentioned.
    pub fn to_toml(&self) -> String {
        // Text, numbers and paths: the one thing TOML cannot hold is a path that is not Unicode.
        let mut text =
            toml::to_string(self).unwrap_or_else(|e| format!("# These settings cannot be written as TOML: {e}.\n"));
        let key = if self.key.is_some() { "# key: set, not shown\n" } else { "# key: none\n" };
        let _ = text.write_str(key);
        if self.retention.is_none() {
            let _ = text.write_str("# retention: none, calls are kept for ever\n");
        }
        if self.objects.is_none() {
            let _ = text.write_str("# objects: none, calls lie in the data folder\n");
        }
        text
    }
}
