//! No code. Cargo gives a dependency the features that the selected packages ask for together, so `-p glasshull-query`,
//! `-p glasshull-hub` and `--workspace` would each build their own DataFusion, ten minutes apiece. This package names
//! the union of those features; `glasshull-catalog`, on which everything heavy rests, depends on it. A tidy test
//! compares the selections and says which line is missing here.
