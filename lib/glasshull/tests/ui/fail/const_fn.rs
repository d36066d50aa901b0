#[glasshull::trace]
const fn constant(a: u32) -> u32 {
    a
}

fn main() {
    constant(1);
}
