//! A program with two versions of the SDK in it: its own, and that of a library.

use std::time::{Duration, Instant};

#[glasshull::trace]
fn works(n: u64) -> u64 {
    older::works(n) + 1
}

#[glasshull::trace]
fn panics() {
    panic!("as usual");
}

#[glasshull::trace]
fn is_captured() -> bool {
    glasshull::Context::current().is_captured()
}

fn main() {
    let hubs: Vec<String> = std::env::args().skip(1).collect();
    let newer = glasshull::builder().hub(&hubs[0]).service("newer").init();
    let older = older::builder().hub(&hubs[1]).service("older").init();
    let deadline = Instant::now() + Duration::from_secs(15);
    while !is_captured() || !older::is_captured() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(works(5), 6);
    assert_eq!(older::within(works), 2);
    assert!(std::panic::catch_unwind(panics).is_err());
    drop(newer);
    assert!(!is_captured() && older::is_captured());
    assert_eq!(works(7), 8);
    drop(older);
    assert_eq!(works(9), 10);
}
