#[glasshull::trace]
struct Thing;

#[glasshull::trace]
static COUNT: u32 = 0;

fn main() {
    let _ = (Thing, COUNT);
}
