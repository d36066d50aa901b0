fn main() {
    println!("{}", beside());
}

fn beside() -> u32 {
    7
}
