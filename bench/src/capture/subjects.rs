//! One small function, watched in every way.

use std::hint::black_box;

/// Eighteen bytes, as an id or a name would have.
pub(super) const TEXT: &str = "order-0123456789ab";

/// Two looks at the fastest clock: what knowing start and duration of a call costs at least.
#[inline(never)]
pub(super) fn two_clock_reads() -> u64 {
    let began = black_box(cycles());
    cycles().wrapping_sub(began)
}

#[cfg(target_arch = "x86_64")]
fn cycles() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and it touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn cycles() -> u64 {
    static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGAN.get_or_init(std::time::Instant::now).elapsed().as_nanos() as u64
}

fn work(a: u64, b: u64, text: &str) -> u64 {
    a.wrapping_mul(b).wrapping_add(text.len() as u64)
}

#[inline(never)]
pub(super) fn bare(a: u64, b: u64, text: &str) -> u64 {
    work(a, b, text)
}

#[inline(never)]
#[glasshull::trace]
pub(super) fn untraced(a: u64, b: u64, text: &str) -> u64 {
    work(a, b, text)
}

#[inline(never)]
#[glasshull::trace]
pub(super) fn traced(a: u64, b: u64, text: &str) -> u64 {
    work(a, b, text)
}

#[inline(never)]
#[fastrace::trace]
pub(super) fn fastrace_span(a: u64, b: u64, text: &str) -> u64 {
    work(a, b, text)
}

#[inline(never)]
#[fastrace::trace(properties = { "a": "{a}", "b": "{b}", "text": "{text}" })]
pub(super) fn fastrace_arguments(a: u64, b: u64, text: &str) -> u64 {
    work(a, b, text)
}

/// A function of its own: whether a callsite is of interest is decided when it first runs.
#[inline(never)]
#[tracing::instrument]
pub(super) fn tracing_off(a: u64, b: u64, text: &str) -> u64 {
    work(a, b, text)
}

#[inline(never)]
#[tracing::instrument]
pub(super) fn tracing_span(a: u64, b: u64, text: &str) -> u64 {
    work(a, b, text)
}

#[inline(never)]
#[tracing::instrument(ret)]
pub(super) fn tracing_return(a: u64, b: u64, text: &str) -> u64 {
    work(a, b, text)
}
