// An expression in `capture(..)` sees what the function sees, and cannot leave it.
#[glasshull::trace(capture(all = missing.len()))]
fn unknown_name(a: Vec<u32>) {
    drop(a);
}

#[glasshull::trace(capture(first = a?))]
fn question_mark(a: Option<u32>) -> Option<u32> {
    a
}

fn main() {
    unknown_name(vec![]);
    question_mark(None);
}
