//! What people and the hub say to each other: HTTP types, failure codes, the statement language
