// The expansion keeps to lints that people like to deny.
#![deny(warnings, unsafe_op_in_unsafe_fn, unused, unreachable_code, rust_2018_idioms)]
#![forbid(unsafe_code)]

#[glasshull::trace]
fn diverges(a: u32) -> u32 {
    panic!("{a}")
}

#[glasshull::trace]
async fn diverges_later(a: &str) -> Result<(), String> {
    Err(a.to_owned())?;
    loop {
        std::future::ready(()).await;
    }
}

#[glasshull::trace]
fn unit() {}

#[glasshull::trace]
fn result(a: &str) -> Result<(), std::num::ParseIntError> {
    let _n: u32 = a.parse()?;
    Ok(())
}

mod private {
    pub struct Thing<'a>(pub &'a str);

    #[glasshull::trace]
    impl<'a> Thing<'a> {
        pub fn get(&self) -> &'a str {
            self.0
        }

        pub fn longer<'b>(&'b self, other: &'b str) -> &'b str
        where
            'a: 'b,
        {
            if other.len() > self.0.len() { other } else { self.0 }
        }
    }
}

fn main() {
    unit();
    let _ = result("1");
    let _ = private::Thing("a").get();
    let _ = private::Thing("a").longer("bb");
    drop(diverges_later("x"));
    let _ = std::panic::catch_unwind(|| diverges(1));
}
