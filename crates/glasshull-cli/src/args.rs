//! The command line as it is typed.

use clap::{Parser, Subcommand, ValueEnum};

/// See what any function did, while the program runs
///
/// Glasshull captures the calls of functions in running programs on command: arguments, returned values, errors,
/// times, and the tree of calls around them.
#[derive(Debug, Parser)]
#[command(name = "glasshull", version, max_term_width = 100, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the hub is
    #[arg(long, global = true, env = "GLASSHULL_HUB", value_name = "URL", default_value = "http://127.0.0.1:7171")]
    pub(crate) hub: String,

    /// The key that a hub asks for and clients show; better set by GLASSHULL_KEY, as others can read flags
    #[arg(long, global = true, env = "GLASSHULL_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) key: Option<String>,

    /// How data is written
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  glasshull up                                    start a hub on 127.0.0.1:7171
  glasshull functions                             what can be traced
  glasshull trace 'pricing::*' --on class=blue --for 60s
  glasshull tail 'pricing::*'                     calls as they arrive
  glasshull query \"SELECT function, args, returned FROM calls WHERE returned->'total' = 0\"
  glasshull tree 4f8e1c7a                         a call and all below it
  glasshull untrace all

Exit status: 0 done, 1 failed, 2 wrong usage. Data goes to standard output, everything else to standard error.";

/// How data is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people; long values are cut where the output is a terminal
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
    /// RFC 4180, with a head
    Csv,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a hub: page, API and SDK sessions on one address, an embedded store in one folder
    ///
    /// Each setting can be given by its flag, its environment variable, or a TOML file (keys are the flags' names with
    /// `_` for `-`); flags win over the environment, the environment over the file.
    #[cfg(feature = "hub")]
    #[command(after_long_help = "Examples:
  glasshull up
  glasshull up --data /var/lib/glasshull --retention 7d
  GLASSHULL_KEY=$(openssl rand -hex 24) glasshull up --listen 0.0.0.0:7171")]
    Up(Box<Up>),

    /// Capture the calls of functions on running instances
    ///
    /// Prints the new probe. Patterns match whole paths or what stands behind a `::`; `*` stands for any run of
    /// characters. The whole statement may be given as well.
    #[command(after_long_help = "Examples:
  glasshull trace 'pricing::*' --on class=blue --for 60s
  glasshull trace '*::price' --where \"args.sku = 'A1' AND duration > 5ms\" --limit 1000
  glasshull trace \"pricing::*, warehouse::* ON release=1.4.2 FOR 5m SAMPLE 1 IN 10\"
  glasshull trace 'cart::total' --capture '200 ITEMS, 4 KIB TEXTS'")]
    Trace(Order),

    /// End probes: by id, by pattern, or all
    #[command(
        after_long_help = "Examples:\n  glasshull untrace p7\n  glasshull untrace 'pricing::*'\n  glasshull untrace all"
    )]
    Untrace {
        /// A probe's id, the pattern it was made with, or `all`
        #[arg(required = true, value_name = "PROBE|PATTERN|all")]
        which: Vec<String>,
    },

    /// List probes, what they do and why
    Probes,

    /// List functions that can be traced
    Functions {
        /// Only paths like this, such as '%::price'
        #[arg(long, value_name = "PATTERN")]
        like: Option<String>,
    },

    /// List processes that are or were connected
    Instances,

    /// Ask in SQL, or carry out any other statement
    #[command(after_long_help = "Examples:
  glasshull query \"SELECT function, count(*), max(duration_ns) FROM calls GROUP BY function ORDER BY 3 DESC\"
  glasshull query \"SELECT * FROM calls WHERE args LIKE '%4f8e1c7a%'\" --format ndjson
  glasshull query - < question.sql")]
    Query {
        /// The statement; `-` reads it from standard input
        statement: String,
        /// At most so many rows
        #[arg(long, value_name = "N")]
        max_rows: Option<u32>,
    },

    /// Draw calls in their original hierarchy
    #[command(after_long_help = "Examples:
  glasshull tree 4f8e1c7a
  glasshull tree 4f8e1c7a --ancestors --descendants 2
  glasshull tree --of \"SELECT call_id FROM calls WHERE outcome = 'panicked' LIMIT 3\" --ancestors")]
    Tree(TreeOrder),

    /// Show calls as they arrive
    #[command(
        after_long_help = "Examples:\n  glasshull tail\n  glasshull tail 'pricing::*' --rate 200\n  glasshull tail --probe p7 --format ndjson"
    )]
    Tail(TailOrder),

    /// Check a hub and the connection to it, and say what is wrong and what to do
    Doctor {
        /// A service that should be connected
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
    },
}

/// `glasshull up`.
#[cfg(feature = "hub")]
#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) layer: glasshull_hub::SettingsLayer,

    /// A TOML file with settings
    #[arg(long, env = "GLASSHULL_SETTINGS", value_name = "FILE")]
    pub(crate) settings: Option<std::path::PathBuf>,

    /// Print the settings in force as TOML, and do nothing
    #[arg(long)]
    pub(crate) print_settings: bool,

    /// What is logged: error, warn, info, debug, trace, or by module
    #[arg(long, env = "GLASSHULL_LOG", value_name = "FILTER", default_value = "info")]
    pub(crate) log: String,

    /// Log lines as JSON objects
    #[arg(long)]
    pub(crate) log_json: bool,
}

/// `glasshull trace`.
#[derive(Debug, clap::Args)]
pub(crate) struct Order {
    /// Which functions; or the rest of a TRACE statement
    #[arg(required = true, value_name = "PATTERN")]
    pub(crate) patterns: Vec<String>,

    /// Only instances with this service, instance, class, release, host or tag; again for others
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) on: Vec<String>,

    /// Only calls for which this holds: over args.*, returned, error, outcome, duration
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) condition: Option<String>,

    /// For how long, such as 60s, 10m, 2h [default: 5m]
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) duration: Option<String>,

    /// At most so many calls, over all instances [default: 100000]
    #[arg(long, value_name = "CALLS")]
    pub(crate) limit: Option<u64>,

    /// At most so many calls a second on each instance [default: 10000]
    #[arg(long, value_name = "CALLS")]
    pub(crate) rate: Option<u32>,

    /// One of so many requests
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<u32>,

    /// How much of each value, such as '200 ITEMS, 12 DEEP, 16 KIB VALUES, 4 KIB TEXTS'
    /// [default: 64 ITEMS, 8 DEEP, 4 KIB VALUES, 1 KIB TEXTS]
    #[arg(long, value_name = "LIMITS")]
    pub(crate) capture: Option<String>,
}

/// `glasshull tree`.
#[derive(Debug, clap::Args)]
pub(crate) struct TreeOrder {
    /// A call's or a trace's id, or its first six characters or more
    #[arg(value_name = "ID", required_unless_present = "of", conflicts_with = "of")]
    pub(crate) id: Option<String>,

    /// The calls whose ids a query finds
    #[arg(long, value_name = "SELECT ..")]
    pub(crate) of: Option<String>,

    /// With the calls above, up to N levels
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "")]
    pub(crate) ancestors: Option<String>,

    /// With the calls below, down to N levels [default: all, where nothing else is asked for]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "")]
    pub(crate) descendants: Option<String>,

    /// With the other calls of the same parent
    #[arg(long)]
    pub(crate) siblings: bool,
}

/// `glasshull tail`.
#[derive(Debug, clap::Args)]
pub(crate) struct TailOrder {
    /// Only functions that match
    #[arg(value_name = "PATTERN")]
    pub(crate) pattern: Option<String>,

    /// Only what this probe asks for
    #[arg(long, value_name = "ID")]
    pub(crate) probe: Option<String>,

    /// At most so many calls a second
    #[arg(long, value_name = "CALLS")]
    pub(crate) rate: Option<u32>,

    /// End after so many calls
    #[arg(long, value_name = "CALLS")]
    pub(crate) limit: Option<u64>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_told_apart_from_failure() {
        for wrong in [&["glasshull"][..], &["glasshull", "trcae"], &["glasshull", "tree"], &["glasshull", "query"]] {
            let error = Args::try_parse_from(wrong).expect_err("wrong usage");
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }
}
