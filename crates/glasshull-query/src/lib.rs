//! Questions about calls: SQL tables, limits, trees (DataFusion)
