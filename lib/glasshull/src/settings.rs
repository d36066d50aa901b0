//! How an agent is set up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use glasshull_wire::limits::{MAX_LABEL_BYTES, MAX_TAGS};
use glasshull_wire::pattern;

use crate::agent::{self, Agent};
use crate::guard::Guard;
use crate::sender;
use crate::value::redaction::{Sensitive, Wishes};

/// Where a hub is by default.
pub const DEFAULT_HUB: &str = "http://127.0.0.1:7171";

/// One thread's ring, in bytes: 5 ms of a thread that captures 10 MB a second.
const RING_BYTES: usize = 64 * 1024;

/// All rings together, in bytes: 1,024 threads.
const ALL_RINGS_BYTES: usize = 64 * 1024 * 1024;

/// Batches the hub has not acknowledged, in bytes.
const BUFFER_BYTES: usize = 16 * 1024 * 1024;

/// The share of the CPU time this process may use that capturing may take.
const CPU_BUDGET: f64 = 0.01;

/// How long the guard flushes when it is dropped.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// Where warnings go.
type Report = Arc<dyn Fn(&str) + Send + Sync>;

/// Sets up an agent; see [`builder`]. Each setting replaces what the environment says.
#[derive(Clone)]
#[must_use = "nothing happens before `init`"]
pub struct Builder {
    pub(crate) settings: Settings,
    /// What is wrong with the settings so far.
    wrong: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) hub: String,
    pub(crate) key: Option<String>,
    pub(crate) service: String,
    pub(crate) name: Option<String>,
    pub(crate) class: String,
    pub(crate) release: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) redaction: Wishes,
    /// Patterns; empty: all functions.
    pub(crate) functions: Vec<String>,
    pub(crate) ring_bytes: usize,
    pub(crate) all_rings_bytes: usize,
    pub(crate) buffer_bytes: usize,
    pub(crate) cpu_budget: f64,
    pub(crate) flush_within: Duration,
    pub(crate) report: Report,
}

impl Settings {
    /// Whether this process tells of a function and captures it.
    pub(crate) fn offers(&self, path: &str) -> bool {
        self.functions.is_empty() || self.functions.iter().any(|pattern| pattern::matches(pattern, path))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hub, service, class, release, tags, .. } = self;
        f.debug_struct("Settings")
            .field("hub", hub)
            .field("service", service)
            .field("class", class)
            .field("release", release)
            .field("tags", tags)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builder").field(&self.settings).finish()
    }
}

/// Why an agent was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// Connects this process to the hub that the environment names, and makes its functions traceable.
///
/// | variable | meaning | default |
/// | --- | --- | --- |
/// | `GLASSHULL_HUB` | where the hub is; `off` switches the SDK off | `http://127.0.0.1:7171` |
/// | `GLASSHULL_KEY` | the key the hub asks for | none |
/// | `GLASSHULL_SERVICE` | the program's name | that of the executable |
/// | `GLASSHULL_CLASS` | a group of instances, such as `blue` | none |
/// | `GLASSHULL_RELEASE` | the version that runs | none |
/// | `GLASSHULL_TAGS` | further selectors, `key=value,key=value` | none |
/// | `GLASSHULL_REDACT` | [further names](Builder::redact) whose values are withheld, parted by commas | none |
/// | `GLASSHULL_REDACT_EXCEPT` | [names](Builder::redact_except) whose values are shown all the same | none |
/// | `GLASSHULL_REDACT_VALUES` | [looks](Sensitive) that are withheld: `emails,cards,bearer-tokens,url-passwords,named-in-text` or `all` | none |
/// | `GLASSHULL_STRICT` | `on` [shows nothing that only `Debug` can print](Builder::strict) | `off` |
///
/// Never panics and never waits: the hub may be there, come later, or never. A setting that is wrong is told once on
/// stderr, and nothing is captured. Keep the guard until the program ends.
pub fn init() -> Guard {
    builder().init()
}

/// Begins with what the environment says; see [`init`].
pub fn builder() -> Builder {
    Builder::from_environment(|name| std::env::var(name).ok())
}

impl Builder {
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable =
            |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut builder = Self {
            settings: Settings {
                hub: variable("GLASSHULL_HUB").unwrap_or_else(|| DEFAULT_HUB.into()),
                key: variable("GLASSHULL_KEY"),
                service: variable("GLASSHULL_SERVICE").unwrap_or_else(executable_name),
                name: None,
                class: variable("GLASSHULL_CLASS").unwrap_or_default(),
                release: variable("GLASSHULL_RELEASE").unwrap_or_default(),
                tags: BTreeMap::new(),
                redaction: Wishes::default(),
                functions: Vec::new(),
                ring_bytes: RING_BYTES,
                all_rings_bytes: ALL_RINGS_BYTES,
                buffer_bytes: BUFFER_BYTES,
                cpu_budget: CPU_BUDGET,
                flush_within: FLUSH_WITHIN,
                report: Arc::new(tell_stderr),
            },
            wrong: None,
        };
        let names = |name: &str| -> Vec<String> {
            variable(name).iter().flat_map(|list| list.split(',')).map(|name| name.trim().to_owned()).collect()
        };
        builder = builder.redact(names("GLASSHULL_REDACT")).redact_except(names("GLASSHULL_REDACT_EXCEPT"));
        builder = match Sensitive::parse_list(&variable("GLASSHULL_REDACT_VALUES").unwrap_or_default()) {
            Ok(values) => builder.redact_values(values),
            Err(error) => builder.wrong(format!("GLASSHULL_REDACT_VALUES: {error}")),
        };
        builder = match variable("GLASSHULL_STRICT").unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "0" | "false" | "off" => builder,
            "1" | "true" | "on" => builder.strict(true),
            other => builder.wrong(format!("GLASSHULL_STRICT: `{other}` is neither on nor off")),
        };
        for tag in variable("GLASSHULL_TAGS").iter().flat_map(|tags| tags.split(',')) {
            builder = match tag.split_once('=') {
                Some((key, value)) => builder.tag(key.trim(), value.trim()),
                None => builder.wrong(format!("GLASSHULL_TAGS: `{}` is not `key=value`", tag.trim())),
            };
        }
        builder
    }

    fn wrong(mut self, why: String) -> Self {
        self.wrong.get_or_insert(why);
        self
    }

    /// Where the hub is: `http://HOST:PORT`; `off` switches the SDK off.
    pub fn hub(mut self, address: impl Into<String>) -> Self {
        self.settings.hub = address.into();
        self
    }

    /// The key the hub asks for.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.key = Some(key.into());
        self
    }

    /// The program's name, such as `checkout`.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.settings.service = service.into();
        self
    }

    /// What people call this process; `HOST:PID` by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    /// A group of instances, such as `blue`.
    pub fn class(mut self, class: impl Into<String>) -> Self {
        self.settings.class = class.into();
        self
    }

    /// The version that runs.
    pub fn release(mut self, release: impl Into<String>) -> Self {
        self.settings.release = release.into();
        self
    }

    /// A further selector for `TRACE .. ON key=value`.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.tags.insert(key.into(), value.into());
        self
    }

    /// Withholds values of arguments, fields and keys with these names, besides those that are withheld by default (see
    /// `docs/redaction.md` for the list). Case, `_` and `-` do not matter; the whole name has to be the same.
    pub fn redact<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.settings.redaction.names.extend(names.into_iter().map(Into::into));
        self
    }

    /// Shows values of arguments, fields and keys with these names although they are withheld by default: `session` in a
    /// program about concerts. Case, `_` and `-` do not matter; the whole name has to be the same. A name given to
    /// [`Self::redact`] as well is withheld.
    pub fn redact_except<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.settings.redaction.except.extend(names.into_iter().map(Into::into));
        self
    }

    /// Withholds in all captured texts what looks like this, whatever the value is called. Off by default: it costs the
    /// sender's thread time, and a look can deceive.
    ///
    /// ```
    /// # use glasshull::Sensitive;
    /// let builder = glasshull::builder().redact_values([Sensitive::Cards, Sensitive::BearerTokens]);
    /// # let _ = builder;
    /// ```
    pub fn redact_values(mut self, values: impl IntoIterator<Item = Sensitive>) -> Self {
        self.settings.redaction.values.extend(values);
        self
    }

    /// Shows nothing that only `Debug` can print: its text has fields that redaction cannot tell apart for certain. Such
    /// values are then shown as their type's name with the reason; of such errors, and of panics whose message was put
    /// together as they happened, type and place remain. Off by default.
    pub fn strict(mut self, strict: bool) -> Self {
        self.settings.redaction.strict = strict;
        self
    }

    /// Offers only functions that match one of these patterns, such as `pricing::*`: for a program that plays several
    /// roles, of which each process runs one. By default all are offered.
    pub fn functions<T: Into<String>>(mut self, patterns: impl IntoIterator<Item = T>) -> Self {
        self.settings.functions.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Bytes that may wait for the hub's acknowledgement; 16 MiB by default. When they are used up, newer calls are
    /// dropped and counted.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.settings.buffer_bytes = bytes;
        self
    }

    /// The share of the CPU time this process may use (of all cores it may run on) that capturing may take: 0.01 by
    /// default, at most 1; 0 means no limit. What counts is what the program's threads spend capturing, an estimate from
    /// samples, and what the sender's thread spends on their calls, as the system tells. Beyond it, fewer requests are
    /// captured, whole ones, of the probes that cost most; where that is not enough, a probe is suspended for a while.
    /// Each says so.
    pub fn cpu_budget(mut self, share: f64) -> Self {
        if !(0.0..=1.0).contains(&share) {
            return self.wrong(format!("cpu_budget: {share} is not a share of the CPU time"));
        }
        self.settings.cpu_budget = share;
        self
    }

    /// How long the guard may take to bring everything to the hub when it is dropped; 2 s by default.
    pub fn flush_within(mut self, limit: Duration) -> Self {
        self.settings.flush_within = limit;
        self
    }

    /// Where warnings go instead of stderr. Each is told once.
    pub fn report_to(mut self, report: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.settings.report = Arc::new(report);
        self
    }

    /// Starts an agent and makes it the process's. What is wrong is reported, and the SDK stays off.
    pub fn init(self) -> Guard {
        let report = Arc::clone(&self.settings.report);
        if self.settings.hub.eq_ignore_ascii_case("off") {
            return Guard::off();
        }
        match self.start_as(true) {
            Ok(guard) => guard,
            Err(error) => {
                report(&format!("{error}; nothing is captured"));
                Guard::off()
            }
        }
    }

    /// Starts an agent that captures only what runs in [`Guard::context`]: a process can have several of them, in tests
    /// for instance.
    ///
    /// # Errors
    /// A setting is wrong, the process has 31 agents, or no thread can be started.
    pub fn start(self) -> Result<Guard, StartError> {
        self.start_as(false)
    }

    fn start_as(self, global: bool) -> Result<Guard, StartError> {
        let settings = self.checked()?;
        let too_many = || StartError("the process has as many agents as it can have".into());
        let agent = Agent::new(settings).ok_or_else(too_many)?;
        if global && !agent::install(&agent) {
            agent.close();
            return Err(StartError(
                "the process is connected already: drop the first guard before the next init".into(),
            ));
        }
        crate::panics::install_hook();
        #[cfg(unix)]
        crate::fork::watch();
        sender::spawn(&agent).map_err(|error| {
            agent::uninstall(&agent);
            agent.close();
            StartError(format!("the sender's thread cannot be started: {error}"))
        })?;
        Ok(Guard::of(agent))
    }

    /// The settings of an agent whose rings are emptied once, at its end.
    #[cfg(feature = "testing")]
    pub(crate) fn for_testing(mut self) -> Result<Settings, StartError> {
        // A ring takes memory as it is written.
        self.settings.ring_bytes = 64 * RING_BYTES;
        self.settings.all_rings_bytes = 64 * ALL_RINGS_BYTES;
        self.settings.buffer_bytes = 64 * BUFFER_BYTES;
        self.checked()
    }

    fn checked(mut self) -> Result<Settings, StartError> {
        if let Some(wrong) = self.wrong {
            return Err(StartError(wrong));
        }
        let settings = &mut self.settings;
        sender::Address::parse(&settings.hub).map_err(StartError)?;
        if settings.service.is_empty() {
            return Err(StartError("the service has no name: set GLASSHULL_SERVICE".into()));
        }
        let labels = [&settings.service, &settings.class, &settings.release];
        let tags = settings.tags.iter().flat_map(|(key, value)| [key, value]);
        if let Some(long) =
            labels.into_iter().chain(tags).chain(&settings.name).find(|text| text.len() > MAX_LABEL_BYTES)
        {
            let start = crate::value::cut(long, 32);
            return Err(StartError(format!("`{start}..` is longer than {MAX_LABEL_BYTES} bytes")));
        }
        if settings.tags.len() > MAX_TAGS {
            return Err(StartError(format!("{} tags are more than {MAX_TAGS}", settings.tags.len())));
        }
        if settings.key.as_ref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(StartError("the key has characters that cannot stand in a header".into()));
        }
        Ok(self.settings)
    }
}

#[allow(clippy::print_stderr)] // The one place: a program without a logger must see it too.
fn tell_stderr(message: &str) {
    use std::io::Write as _;
    // Not `eprintln!`, which panics where stderr is closed.
    let _ = writeln!(std::io::stderr(), "glasshull: {message}");
}

fn executable_name() -> String {
    let path = std::env::current_exe().ok();
    let stem = path.as_ref().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| "unnamed".into())
}
