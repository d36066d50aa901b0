use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// When calls are acknowledged.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// When they are on the disk: nothing acknowledged is lost, even by a power cut
    #[default]
    Journal,
    /// When the system has them, which writes them to the disk within a second: a crash of the hub loses nothing, a crash
    /// of the machine or a power cut loses the last second or so of what was acknowledged
    Relaxed,
}

impl Durability {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Relaxed => "relaxed",
        }
    }
}

impl From<Durability> for glasshull_store::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Journal => Self::Journal,
            Durability::Relaxed => Self::Relaxed,
        }
    }
}
