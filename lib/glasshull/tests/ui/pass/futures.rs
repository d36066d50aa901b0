// Functions that return futures: what the future does not take along, the expansion does not make it take along.
use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

#[glasshull::trace]
fn shadowed(n: Rc<u32>, m: u32) -> impl Future<Output = u32> + Send + 'static {
    async move {
        let n = m + 1;
        let all = [1, 2].map(|m| m + n);
        if let Some(n) = all.first() { *n } else { 0 }
    }
}

#[glasshull::trace]
fn named_in_a_macro(n: Rc<u32>, borrowed: &str, m: u32) -> impl Future<Output = String> + Send + 'static {
    async move { format!("{n} {m} {{borrowed}}", n = 5) + stringify!(borrowed n) }
}

#[glasshull::trace]
fn arms(n: Rc<Cell<u32>>, m: Option<u32>) -> impl Future<Output = u32> + Send + 'static {
    async move {
        fn inner(n: u32) -> u32 {
            n
        }
        let mut sum = 0;
        for n in 0..3 {
            sum += n;
        }
        while let Some(n) = None::<u32> {
            sum += n;
        }
        match m {
            Some(n) if n > 1 => inner(n) + sum,
            _ => sum,
        }
    }
}

fn main() {
    drop(shadowed(Rc::new(1), 1));
    drop(named_in_a_macro(Rc::new(1), "", 1));
    drop(arms(Rc::default(), None));
}
