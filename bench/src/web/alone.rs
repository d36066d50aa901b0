//! A request's twenty calls without the request around them: what is beyond the noise of a whole server.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::orders::{Order, absent, traced};
use crate::Outcome;
use crate::report::{Row, quantile};
use crate::rounds::{self, Subject};

const ROUNDS: usize = 400;

/// Requests in a burst, each of another order.
const REQUESTS: u64 = 256;

/// Nanoseconds of twenty calls, without the library and while it is off.
pub(crate) fn measure() -> Outcome<Vec<Row>> {
    let orders: Rc<[Order]> = (0..REQUESTS).map(Order::numbered).collect();
    let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().build()?);
    let subject = |what, run: fn(&Runtime, &[Order])| {
        let (runtime, orders) = (runtime.clone(), orders.clone());
        Subject { what, burst: Box::new(move |_| run(&runtime, &orders)), one_in: 1, rest: Duration::ZERO }
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
    let times = rounds::measure(&mut subjects, ROUNDS, REQUESTS);
    let row = |(subject, times): (&Subject, &Vec<f64>)| Row {
        best: Some(quantile(times, 0.0)),
        ..Row::new(subject.what, quantile(times, 0.5), "ns/request")
    };
    Ok(subjects.iter().zip(&times).map(row).collect())
}
