// What macros of older crates expand to.
macro_rules! functions {
    ($($name:ident($argument:ident: $ty:ty) -> $ret:ty $body:block)*) => {$(
        #[glasshull::trace]
        pub fn $name($argument: $ty) -> $ret $body
    )*};
}

functions! {
    double(n: u32) -> u32 { n * 2 }
    text(s: &str) -> String { s.to_owned() }
}

trait Shape {
    fn area(&self) -> f64;
    fn boxed(self) -> Box<dyn Shape>
    where
        Self: Sized + 'static;
}

struct Square(f64);

#[glasshull::trace]
impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }

    fn boxed(self) -> Box<dyn Shape> {
        Box::new(self)
    }
}

#[glasshull::trace]
fn callback(f: &mut dyn FnMut(u32) -> u32, g: impl Fn(&str) -> usize) -> usize {
    f(1) as usize + g("abc")
}

#[glasshull::trace]
fn higher_ranked<F>(f: F) -> u32
where
    F: for<'a> Fn(&'a u32) -> &'a u32,
{
    *f(&5)
}

fn main() {
    assert_eq!(double(2), 4);
    assert_eq!(text("a"), "a");
    assert_eq!(Square(2.0).boxed().area(), 4.0);
    assert_eq!(callback(&mut |n| n + 1, |s| s.len()), 5);
    assert_eq!(higher_ranked(|n| n), 5);
}
