//! A request's twenty calls without the request around them: what is beyond the noise of a whole server.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::orders::{Order, absent, traced};
use crate::Outcome;
use crate::report::{Row, quantile};
use crate::rounds::{self, Calls, Subject, Times};

const ROUNDS: usize = 400;

/// Requests in a burst, each of another order.
const REQUESTS: u64 = 256;

/// Nanoseconds of twenty calls, without the library and while it is off.
pub(crate) fn measure() -> Outcome<Vec<Row>> {
    let orders: Rc<[Order]> = (0..REQUESTS).map(Order::numbered).collect();
    let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().build()?);
    let subject = |what, run: fn(&Runtime, &[Order])| {
        let (runtime, orders) = (runtime.clone(), orders.clone());
        let burst = move |calls: Calls| calls.make(|_| run(&runtime, &orders));
        Subject { what, burst: Box::new(burst), one_in: 1, rest: Duration::ZERO }
    };
    let mut subjects = [
        subject("absent: the calls of a request alone", |runtime, orders| {
            runtime.block_on(async {
                for order in orders {
                    black_box(absent::quote(black_box(order)).await.is_ok());
                }
            });
        }),
        subject("off: the calls of a request alone", |runtime, orders| {
            runtime.block_on(async {
                for order in orders {
                    black_box(traced::quote(black_box(order)).await.is_ok());
                }
            });
        }),
    ];
    // All orders, once to warm up, once to be measured.
    let times = rounds::measure(&mut subjects, ROUNDS, Calls { first: 1, steady: 1 });
    let of_a_request = |times: &Times, share: f64| quantile(&times.steady, share) / REQUESTS as f64;
    let row = |(subject, times): (&Subject, &Times)| Row {
        best: Some(of_a_request(times, 0.0)),
        ..Row::new(subject.what, of_a_request(times, 0.5), "ns/request")
    };
    Ok(subjects.iter().zip(&times).map(row).collect())
}
