// What cannot be traced says so where it is asked for by name.
#[glasshull::trace]
const unsafe fn constant_and_unsafe(a: u32) -> u32 {
    a
}

#[glasshull::trace]
unsafe extern "C" {
    fn abs(a: i32) -> i32;
}

struct Thing;

impl Thing {
    #[glasshull::trace]
    const fn method(&self) -> u32 {
        1
    }
}

#[glasshull::trace]
impl Thing {
    #[glasshull::trace]
    const fn asked_for_inside_a_block(&self) -> u32 {
        1
    }

    const fn passed_over(&self) -> u32 {
        1
    }
}

trait Shape {
    #[glasshull::trace]
    fn area(&self) -> f64;
}

const ONE: u32 = Thing.passed_over();

fn main() {
    let _ = (Thing.method(), Thing.asked_for_inside_a_block(), ONE);
}
