// Each way to take an argument apart.
struct Pair {
    left: u32,
    right: Inner,
}

struct Inner(u32, [u32; 2]);

struct Unit;

#[glasshull::trace]
fn references(&mut a: &mut u32, &b: &u32, &&c: &&u32, &mut (ref mut d, ref e): &mut (u32, String)) -> u32 {
    *d += a + b + c;
    *d + e.len() as u32
}

#[glasshull::trace]
fn nested((&a, &mut (ref b, _)): (&u32, &mut (String, u32)), [&c, .., ref d]: [&u32; 3]) -> u32 {
    a + b.len() as u32 + c + *d
}

#[glasshull::trace]
fn whole(pair @ Pair { left, .. }: &Pair, mut kept @ (mut n, _): (u32, u8)) -> u32 {
    n += 1;
    kept.0 += 1;
    pair.left + left + n + kept.0
}

#[glasshull::trace]
fn fields(Pair { left, right: Inner(mut a, [b, ref c]) }: Pair, (Unit, _): (Unit, u8), Unit: Unit) -> u32 {
    a += 1;
    left + a + b + c
}

#[glasshull::trace]
async fn later(&mut a: &mut u32, (&b, Unit): (&u32, Unit), mut c: u32) -> u32 {
    c += 1;
    a + b + c
}

#[glasshull::trace]
fn absent(#[cfg(any())] gone: Missing, #[cfg(all())] here: u32, #[cfg(any())] (x, y): Missing, #[allow(unused)] b: u8) -> u32 {
    here
}

#[track_caller]
#[glasshull::trace(capture(sum = a + b))]
fn in_place(#[cfg(any())] gone: Missing, &mut a: &mut u32, (b, _): (u32, Unit)) -> u32 {
    a + b
}

fn main() {
    assert_eq!(references(&mut 1, &2, &&3, &mut (4, "abcde".into())), 15);
    assert_eq!(nested((&1, &mut ("ab".into(), 0)), [&3, &0, &4]), 10);
    assert_eq!(whole(&Pair { left: 1, right: Inner(0, [0, 0]) }, (1, 0)), 6);
    assert_eq!(fields(Pair { left: 1, right: Inner(1, [3, 4]) }, (Unit, 0), Unit), 10);
    drop(later(&mut 1, (&1, Unit), 1));
    assert_eq!(absent(1, 2), 1);
    assert_eq!(in_place(&mut 1, (2, Unit)), 3);
}
