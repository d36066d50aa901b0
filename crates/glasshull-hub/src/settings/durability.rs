use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// When calls are acknowledged.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// When they are on the disk: nothing acknowledged is lost, even by a power cut
    #[default]
    Journal,
    /// When they are in the object store, and the catalog with them: nothing acknowledged is lost even with the machine.
    /// Another hub that starts on the same objects takes them over
    ObjectStore,
    /// When the system has them, which writes them to the disk within a second: a crash of the hub loses nothing, a crash
    /// of the machine or a power cut loses the last second or so of what was acknowledged
    Relaxed,
}

impl Durability {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::ObjectStore => "object-store",
            Self::Relaxed => "relaxed",
        }
    }
}
