//! The small transactional truth: segments, probes, functions, instances (SQLite)
