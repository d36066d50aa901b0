// Whatever a program calls its own things, the expansion means its own.
#![allow(dead_code, non_camel_case_types, unused_macros)]

mod core {}
mod std {}
mod alloc {}

macro_rules! line {
    () => {
        compile_error!("not this one")
    };
}
macro_rules! concat {
    ($($any:tt)*) => {
        compile_error!("not this one")
    };
}
macro_rules! module_path {
    () => {
        compile_error!("not this one")
    };
}

struct Ok;
struct Err;
struct Some;
struct None;
struct Result;
struct Option;
struct String;
struct Box;
trait Put {
    fn put(&self) -> u32;
    fn split(&self) -> u32;
}

// Names of the specialization's own types, in patterns.
struct Value(u32);
struct Failure {
    code: u32,
}
struct Returned<T>(T);
struct Recorder;
struct Site;
struct Call;

impl Put for u32 {
    fn put(&self) -> u32 {
        *self
    }
    fn split(&self) -> u32 {
        *self
    }
}

#[glasshull::trace]
fn patterns(Value(a): Value, Failure { code }: Failure, (Returned(b), Recorder): (Returned<u32>, Recorder)) -> u32 {
    a.put() + code.split() + b
}

#[glasshull::trace(capture(a = a.put(), twice = a * 2))]
fn computed(Value(a): Value, Site: Site, call: Call) -> Value {
    let _ = (Site, call);
    Value(a)
}

#[glasshull::trace]
fn fails(Ok: Ok, some: Some) -> ::core::result::Result<Ok, Err> {
    let _ = some;
    if true { ::core::result::Result::Err(Err) } else { ::core::result::Result::Ok(Ok) }
}

#[glasshull::trace]
async fn later(Value(a): Value, __glasshull_call: u32) -> ::core::option::Option<u32> {
    ::core::option::Option::Some(a + __glasshull_call)
}

#[glasshull::trace]
fn generic<core, std>(call: core, out: std) -> (core, std) {
    let returned = call;
    (returned, out)
}

fn main() {
    assert_eq!(patterns(Value(1), Failure { code: 2 }, (Returned(3), Recorder)), 6);
    assert_eq!(computed(Value(1), Site, Call).0, 1);
    assert!(fails(Ok, Some).is_err());
    drop(later(Value(1), 1));
    assert_eq!(generic(1, 2), (1, 2));
}
