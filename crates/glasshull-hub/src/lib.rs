//! The hub: where the parts meet.
//!
//! The way of one batch: an SDK's session ([`sessions`]) checks a message's size and entries, waits for its share of
//! memory, hands the batch to the store, and acknowledges it when the store says that it is on disk. The way of one
//! probe: a `TRACE` statement ([`routes`]) becomes an entry of the book of probes ([`probes`]) and of the catalog; each
//! session is told that something has changed and sends its instance what is meant for it; reports come back and
//! become the probe's status. The way of one question: [`routes`] parses it and hands it to the query engine.
//!
//! Start and stop are in [`hub`], what may be said from outside and how much of it in [`limits`], who may say it in
//! [`http::access`].

mod failures;
mod health;
mod http;
mod hub;
mod instances;
pub mod limits;
mod lists;
mod live;
mod metrics;
mod objects;
mod probes;
mod routes;
mod sessions;
pub mod settings;
mod tasks;
mod text;

pub use hub::{Components, Hub, listen, take_folder};
pub use objects::open_objects;
pub use routes::document;
pub use settings::{Settings, SettingsLayer};

/// The version people are told.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
