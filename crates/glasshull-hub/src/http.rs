//! The edge towards people: who may ask, how bodies are read, how failures are told, how connections are served.

pub(crate) mod access;
pub(crate) mod body;
pub(crate) mod page;
mod patience;
pub(crate) mod refused;
pub(crate) mod serve;

pub(crate) use body::Json;
pub(crate) use refused::Refused;
