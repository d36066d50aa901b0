//! A program in which a panic ends the process (`panic = "abort"`).

use std::fmt;
use std::time::{Duration, Instant};

struct Rude;

impl fmt::Debug for Rude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        works(0);
        f.write_str("half")?;
        Err(fmt::Error)
    }
}

/// Goes on for as long as it is let.
struct Long;

impl fmt::Debug for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str("on and on ")?;
        }
    }
}

#[glasshull::trace]
fn works(n: u64) -> u64 {
    n
}

#[glasshull::trace]
fn takes(rude: &Rude, long: &Long) {
    let _ = (rude, long);
}

#[glasshull::trace]
fn panics(password: &str) {
    panic!("no {}", password.len());
}

#[glasshull::trace]
fn is_captured() -> bool {
    glasshull::Context::current().is_captured()
}

fn main() {
    let guard = glasshull::init();
    let deadline = Instant::now() + Duration::from_secs(15);
    while !is_captured() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
    takes(&Rude, &Long);
    works(1);
    assert!(guard.flush(Duration::from_secs(15)));
    if std::env::args().nth(1).is_some() {
        panics("hunter2");
    }
}
