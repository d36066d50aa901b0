//! See what any function of a running program did: arguments, return value, error, time, call tree
