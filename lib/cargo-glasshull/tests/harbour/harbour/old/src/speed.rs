pub fn factor() -> u32 { 2 }
