//! One small function, watched in every way.

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use serde::Serialize;

/// Eighteen bytes, as an id or a name would have.
pub(super) const TEXT: &str = "order-0123456789ab";

/// Two looks at the fastest clock: what knowing start and duration of a call costs at least.
#[inline(never)]
pub(super) fn two_clock_reads() -> u64 {
    let began = black_box(cycles());
    cycles().wrapping_sub(began)
}

#[cfg(target_arch = "x86_64")]
pub(super) fn cycles() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and it touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn cycles() -> u64 {
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

/// What a service is asked to do, about 120 bytes of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) customer: u64,
    pub(super) sku: String,
    pub(super) quantity: u32,
    pub(super) price: f64,
    pub(super) note: Option<String>,
}

pub(super) fn order() -> Order {
    Order {
        id: "018f6c1e-7d1a-7c3e-9b51-3f0f5d1c2a77".into(),
        customer: 48_213,
        sku: "HAT-BLUE-XL".into(),
        quantity: 3,
        price: 19.99,
        note: Some("leave it at the door, please".into()),
    }
}

fn total(order: &Order) -> Result<f64, String> {
    if order.quantity == 0 { Err("nothing is ordered".into()) } else { Ok(order.price * f64::from(order.quantity)) }
}

/// Ready when it was polled so many times.
pub(super) struct Polls(pub(super) u32);

impl Future for Polls {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        // Work that nothing comes of would be left out where nothing stands between the polls.
        self.0 = black_box(self.0.saturating_sub(1));
        if self.0 == 0 { Poll::Ready(7) } else { Poll::Pending }
    }
}

/// Polls a future to its end. Inlined, as is what awaits one: no subject's future is moved once more than another's.
#[inline(always)]
pub(super) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

#[inline(never)]
pub(super) fn bare_order(order: &Order) -> Result<f64, String> {
    total(order)
}

#[inline(never)]
pub(super) async fn bare_async(a: u64, polls: u32) -> u64 {
    Polls(polls).await + a
}

/// Bytes by which a future grows when its function is made traceable.
pub(super) fn grown_future() -> usize {
    let (traced, bare) = (off::asynchronous(1, 1), bare_async(1, 1));
    size_of_val(&traced).saturating_sub(size_of_val(&bare))
}

/// Functions that stay off.
pub(super) mod off {
    #[inline(never)]
    #[glasshull::trace]
    pub(in super::super) fn call(a: u64, b: u64, text: &str) -> u64 {
        super::work(a, b, text)
    }

    #[inline(never)]
    #[glasshull::trace]
    pub(in super::super) async fn asynchronous(a: u64, polls: u32) -> u64 {
        super::Polls(polls).await + a
    }
}

/// Functions that a probe captures.
pub(super) mod on {
    use super::Order;

    /// What the calls are part of.
    #[glasshull::trace(skip_all)]
    pub(in super::super) fn request<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    #[inline(never)]
    #[glasshull::trace]
    pub(in super::super) fn call(a: u64, b: u64, text: &str) -> u64 {
        super::work(a, b, text)
    }

    #[inline(never)]
    #[glasshull::trace]
    pub(in super::super) fn order(order: &Order) -> Result<f64, String> {
        super::total(order)
    }

    #[inline(never)]
    #[glasshull::trace]
    pub(in super::super) fn items(items: &Vec<u64>) -> usize {
        items.len()
    }

    #[inline(never)]
    #[glasshull::trace]
    pub(in super::super) async fn asynchronous(a: u64, polls: u32) -> u64 {
        super::Polls(polls).await + a
    }
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
