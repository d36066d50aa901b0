pub fn height(hours: u64) -> u64 {
    hours * 10
}
