//! Calls at rest: journal, live table, segments, retention
