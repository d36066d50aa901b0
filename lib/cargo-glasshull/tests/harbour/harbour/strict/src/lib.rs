//! A crate that denies what it can.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused_qualifications, missing_debug_implementations, unreachable_pub)]

/// Two more.
///
/// ```
/// assert_eq!(strict::plus_two(1), 3);
/// ```
#[must_use]
pub fn plus_two(value: u32) -> u32 {
    value + 2
}

/// What `async` gives is `Send`, and stays so.
pub fn is_send() -> impl Send {
    sleep(1)
}

async fn sleep(times: u32) -> u32 {
    std::future::ready(times).await
}
