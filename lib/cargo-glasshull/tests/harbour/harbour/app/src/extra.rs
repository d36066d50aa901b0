pub fn extra() -> &'static str {
    "extra"
}
