/// Not of the workspace.
pub fn far(away: u32) -> u32 {
    away + 1_000
}
