#[glasshull::trace(skipp(a))]
fn misspelled(a: u32) -> u32 {
    a
}

#[glasshull::trace(skip(b))]
fn unknown_argument(a: u32) -> u32 {
    a
}

#[glasshull::trace(name = "two words")]
fn odd_name() {}

#[glasshull::trace(except(a))]
fn except_on_a_function(a: u32) -> u32 {
    a
}

struct Thing;

#[glasshull::trace(name = "x")]
impl Thing {
    #[glasshull::trace(redact(nothing))]
    fn method(&self) {}
}

fn main() {
    misspelled(1);
    unknown_argument(1);
    odd_name();
    except_on_a_function(1);
    Thing.method();
}
