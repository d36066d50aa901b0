#!/usr/bin/env run-cargo-script
//! A program that knows nothing of Glasshull.
#![deny(warnings)]

mod berth;
#[cfg(feature = "extra")] mod extra;
#[path = "odd place/tide.rs"]
mod tide;
#[cfg(target_os = "none")]
mod missing;

use std::panic;

include!("piece.rs");

mod built {
    include!(concat!(env!("OUT_DIR"), "/built.rs"));
}

macro_rules! made {
    ($name:ident, $value:expr) => {
        fn $name() -> u32 {
            $value
        }
    };
}
made!(four, 4);

const fn fixed(one: u32) -> u32 { one + 1 }
const FIXED: u32 = fixed(1);

extern "C" fn doubled(value: u32) -> u32 { value * 2 }

// Only where it stands last in its function does the compiler know the closure's lifetimes.
fn same() -> impl for<'a> Fn(&'a str) -> &'a str { |text| text }

fn generic<T: Into<u64>>(value: T) -> u64 { value.into() }

/// `ü` is two bytes, and a comment.
fn place() -> String { format!("{}:{}:{}", file!(), line!(), column!()) }

fn fails(ship: &str) -> Result<u32, std::num::ParseIntError> {
    fn inner(ship: &str) -> Result<u32, std::num::ParseIntError> { ship.parse() }
    inner(ship)
}

fn sinks() { panic!("sunk") }

fn main() -> std::process::ExitCode {
    let before = panic::take_hook(); panic::set_hook(Box::new(move |info| { println!("{info}"); before(info) }));
    println!("{:?}", std::env::args().skip(1).collect::<Vec<_>>());
    println!("{} {} {} {FIXED} {}", piece(), built::built(), four(), doubled(21));
    println!("{} {} {} {:?}", same()("same"), generic(7_u8), place(), fails("x").is_err());
    println!("{}", berth::Berth::new("north").moor(3).unwrap());
    println!("{} {} {}", tide::height(2), old::knots(5), strict::plus_two(5));
    println!("{} {}", outside::far(1), made::made_up!());
    println!("{}", std::env::current_dir().unwrap().file_name().unwrap().to_str().unwrap());
    #[cfg(feature = "extra")]
    println!("{}", extra::extra());
    assert!(panic::catch_unwind(sinks).is_err());
    std::process::exit(3)
}
