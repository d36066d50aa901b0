//! What the store promises, tried on a disk, an object store and a catalog that fail.

mod appending;
mod crashes;
mod diskless;
mod faults;
mod folders;
mod merging;
mod model;
mod publishing;
mod relaxed;
pub(crate) mod rig;
mod samples;
mod simulation;
mod snapshots;
