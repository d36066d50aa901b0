// A word of later editions.
pub fn same(async: u32) -> u32 { async }
