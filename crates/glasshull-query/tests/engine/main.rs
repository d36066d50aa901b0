//! Questions asked of a real store in a temporary folder.

mod columnar;
mod differences;
mod hostile;
mod index;
mod limits;
mod rig;
mod segments;
mod sql;
mod summary;
mod tables;
mod trees;
mod values;
