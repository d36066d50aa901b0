fn piece() -> u32 {
    6
}
