//! The API without the feature `enabled`: everything is there and does nothing.

use std::time::Duration;

pub mod context;
#[cfg(feature = "http")]
pub mod propagation;
#[cfg(feature = "tower")]
pub mod tower;

pub use context::{Context, FutureExt, spawnable};

/// Keeps the process connected; here it does nothing.
#[must_use = "capturing ends when this is dropped"]
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Always false.
    pub fn is_on(&self) -> bool {
        false
    }

    /// An empty context.
    pub fn context(&self) -> Context {
        Context::default()
    }

    /// There is no hub to wait for.
    pub fn wait_for_probes(&self, _within: Duration) -> bool {
        false
    }

    /// There is nothing to bring anywhere.
    pub fn flush(&self, _within: Duration) -> bool {
        true
    }
}

/// What could be withheld in all captured texts; nothing is captured here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // The other half of the API says what they are.
pub enum Sensitive {
    Emails,
    Cards,
    BearerTokens,
    UrlPasswords,
    NamedInText,
}

/// Why an agent was not started; never made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError(());

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("never")
    }
}

impl std::error::Error for StartError {}

/// Does nothing.
pub fn init() -> Guard {
    Guard(())
}

/// Begins a set-up that does nothing.
pub fn builder() -> Builder {
    Builder(())
}

/// Takes settings and forgets them.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `init`"]
pub struct Builder(());

macro_rules! forget {
    ($($name:ident),*) => {$(
        /// Forgets the setting.
        pub fn $name(self, _: impl Into<String>) -> Self {
            self
        }
    )*};
}

impl Builder {
    forget!(hub, key, service, name, class, release);

    /// Forgets the setting.
    pub fn tag(self, _key: impl Into<String>, _value: impl Into<String>) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn redact<T: Into<String>>(self, _names: impl IntoIterator<Item = T>) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn redact_except<T: Into<String>>(self, _names: impl IntoIterator<Item = T>) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn redact_values(self, _values: impl IntoIterator<Item = Sensitive>) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn strict(self, _strict: bool) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn functions<T: Into<String>>(self, _patterns: impl IntoIterator<Item = T>) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn buffer_bytes(self, _bytes: usize) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn cpu_budget(self, _share: f64) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn flush_within(self, _limit: Duration) -> Self {
        self
    }

    /// Forgets the setting.
    pub fn report_to(self, _report: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self
    }

    /// Does nothing.
    pub fn init(self) -> Guard {
        Guard(())
    }

    /// Does nothing.
    ///
    /// # Errors
    /// None.
    pub fn start(self) -> Result<Guard, StartError> {
        Ok(Guard(()))
    }
}
