use glasshull_catalog::InstanceId;
use glasshull_wire::limits::MAX_LABEL_BYTES;

use crate::StoreError;

/// The instance a batch came from, as its rows are to tell. Each journal record carries it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Source {
    /// Which process.
    pub instance: InstanceId,
    /// The program's name.
    pub service: String,
    /// What people call the process: the column `instance`.
    pub name: String,
    /// Its group; may be empty.
    pub class: String,
    /// The version that runs; may be empty.
    pub release: String,
}

impl Source {
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let labels =
            [("service", &self.service), ("name", &self.name), ("class", &self.class), ("release", &self.release)];
        match labels.iter().find(|(_, label)| label.len() > MAX_LABEL_BYTES) {
            Some((what, _)) => Err(StoreError::Source(what)),
            None => Ok(()),
        }
    }
}
