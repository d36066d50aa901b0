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

#[glasshull::trace(capture(a))]
fn captured_without_a_value(a: u32) {}

#[glasshull::trace(skip(a), capture(a = 1))]
fn both_skipped_and_captured(a: u32) {}

#[glasshull::trace(capture(a = 1))]
trait Block {}

fn main() {
    captured_without_a_value(1);
    both_skipped_and_captured(1);
    misspelled(1);
    unknown_argument(1);
    odd_name();
    except_on_a_function(1);
    Thing.method();
}
