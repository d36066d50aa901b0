//! Functions of all shapes, traced: they compile, and do what they do untraced.
#![allow(dead_code, unreachable_pub)]

use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::Pin;

struct Opaque;

#[glasshull::trace]
fn plain(a: u32, b: &str) -> String {
    format!("{a}{b}")
}

#[glasshull::trace]
fn question_mark(text: &str) -> Result<u32, std::num::ParseIntError> {
    let n: u32 = text.parse()?;
    if n == 7 {
        return Ok(70);
    }
    Ok(n)
}

#[glasshull::trace]
fn boxed_error(text: &str) -> Result<u32, Box<dyn std::error::Error>> {
    if text.is_empty() {
        return Err("empty".into());
    }
    Ok(text.parse()?)
}

#[glasshull::trace]
fn unit(mut list: Vec<u32>) {
    list.push(1);
}

#[glasshull::trace]
fn patterns((a, mut b): (u32, u32), [c, ..]: [u32; 3], &d: &u32, Wrapper(ref e): Wrapper, _: Opaque) -> u32 {
    b += 1;
    a + b + c + d + e
}

struct Wrapper(u32);

#[glasshull::trace]
fn impl_traits(a: impl Display + 'static) -> impl Iterator<Item = String> {
    if a.to_string().is_empty() {
        return vec![].into_iter();
    }
    vec![a.to_string()].into_iter()
}

#[glasshull::trace]
fn nested_impl_trait(ok: bool) -> Result<impl Debug, String> {
    if !ok {
        return Err("no".to_owned());
    }
    Ok(5)
}

#[glasshull::trace]
fn lifetimes<'a>(a: &'a str, _b: &str) -> &'a str {
    &a[1..]
}

#[glasshull::trace]
fn generic<T, const N: usize>(value: &T) -> [T; N]
where
    T: Clone + Send,
{
    std::array::from_fn(|_| value.clone())
}

#[glasshull::trace]
fn labelled(n: u32) -> u32 {
    'outer: for i in 0.. {
        for j in 0..i {
            if i * j > n {
                break 'outer;
            }
            if j == 3 {
                continue 'outer;
            }
        }
        if i > 50 {
            return i;
        }
    }
    'block: {
        if n > 3 {
            break 'block 1;
        }
        2
    }
}

#[glasshull::trace]
fn recursive(n: u64) -> u64 {
    if n < 2 { n } else { recursive(n - 1) + recursive(n - 2) }
}

/// # Safety
/// `pointer` points at a number.
#[glasshull::trace]
unsafe fn unsafe_fn(pointer: *const u32) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { *pointer }
}

#[glasshull::trace]
extern "C" fn for_c(a: i32) -> i32 {
    a + 1
}

#[glasshull::trace]
fn never(message: &str) -> ! {
    panic!("{message}")
}

#[track_caller]
#[glasshull::trace]
fn where_from() -> u32 {
    std::panic::Location::caller().line()
}

#[glasshull::trace]
fn tail_borrow(cell: RefCell<String>) -> String {
    cell.borrow().clone()
}

#[glasshull::trace]
fn raw_names(r#type: u32) -> u32 {
    r#type
}

struct Counter<T> {
    total: u64,
    items: Vec<T>,
}

#[glasshull::trace]
impl<T: Clone + Debug> Counter<T> {
    const LIMIT: usize = 3;

    const fn new() -> Self {
        Self { total: 0, items: Vec::new() }
    }

    fn add(&mut self, item: T) -> &mut T {
        self.total += 1;
        self.items.push(item);
        self.items.last_mut().unwrap()
    }

    fn first(&self) -> Option<&T> {
        self.items.first()
    }

    fn into_items(self) -> Vec<T> {
        self.items
    }

    #[glasshull::trace(skip(secret), name = "renamed")]
    fn with_own_options(&self, secret: &str) -> usize {
        secret.len()
    }

    async fn sum(&self, more: u64) -> u64 {
        std::future::ready(()).await;
        self.total + more
    }

    fn boxed(self: Box<Self>) -> u64 {
        self.total
    }
}

#[glasshull::trace(redact(key))]
trait Shop {
    fn required(&self, sku: &str) -> u32;

    fn provided(&self, key: &str) -> u32
    where
        Self: Sized,
    {
        self.required(key) + 1
    }
}

struct Small;

#[glasshull::trace]
impl Shop for Small {
    fn required(&self, sku: &str) -> u32 {
        sku.len() as u32
    }
}

#[async_trait::async_trait]
trait Remote {
    async fn fetch(&mut self, sku: &str, times: Vec<u32>) -> Result<u32, String>;
    async fn default(&self, n: u32) -> u32 {
        n
    }
}

#[async_trait::async_trait]
impl Remote for Small {
    #[glasshull::trace]
    async fn fetch(&mut self, sku: &str, times: Vec<u32>) -> Result<u32, String> {
        if sku.is_empty() {
            return Err("empty".to_owned());
        }
        Ok(sku.len() as u32 + times.len() as u32)
    }
}

struct Other;

#[glasshull::trace]
#[async_trait::async_trait]
impl Remote for Other {
    async fn fetch(&mut self, sku: &str, _times: Vec<u32>) -> Result<u32, String> {
        let n: u32 = sku.parse().map_err(|e: std::num::ParseIntError| e.to_string())?;
        Ok(n)
    }
}

#[glasshull::trace]
fn pinned<'a>(a: &'a str) -> Pin<Box<dyn Future<Output = Result<usize, std::fmt::Error>> + Send + 'a>> {
    Box::pin(async move {
        std::future::ready(()).await;
        Ok(a.len())
    })
}

#[glasshull::trace]
fn opaque_future(a: String) -> impl Future<Output = usize> + Send {
    let length = a.len();
    async move { length }
}

#[glasshull::trace]
async fn asynchronous(a: String, b: &str) -> Result<String, std::num::ParseIntError> {
    let n: u32 = b.parse()?;
    tokio::task::yield_now().await;
    if n == 0 {
        return Ok(a);
    }
    Ok(format!("{a}{n}"))
}

#[glasshull::trace]
async fn async_impl_trait(a: impl Display + Send) -> impl Display {
    a.to_string()
}

#[glasshull::trace]
async fn async_unit(_: Opaque) {}

#[glasshull::trace(except(left_alone))]
mod inner {
    pub fn in_module(a: u32) -> u32 {
        a + 1
    }

    pub const fn constant(a: u32) -> u32 {
        a
    }

    pub fn left_alone() {}

    pub mod deeper {
        pub struct Thing;

        impl Thing {
            pub fn method(&self) -> u32 {
                9
            }
        }
    }

    unsafe extern "C" {
        fn abs(a: i32) -> i32;
    }
}

const CONSTANT: u32 = inner::constant(4);

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn sync_functions_do_what_they_do_untraced() {
    assert_eq!(plain(1, "a"), "1a");
    assert_eq!(question_mark("7"), Ok(70));
    assert_eq!(question_mark("8"), Ok(8));
    assert!(question_mark("x").is_err());
    assert!(boxed_error("").is_err());
    assert_eq!(boxed_error("5").unwrap(), 5);
    unit(vec![]);
    assert_eq!(patterns((1, 2), [3, 4, 5], &6, Wrapper(7), Opaque), 1 + 3 + 3 + 6 + 7);
    assert_eq!(impl_traits(5).collect::<Vec<_>>(), ["5"]);
    assert!(nested_impl_trait(true).is_ok() && nested_impl_trait(false).is_err());
    assert_eq!(lifetimes("abc", "d"), "bc");
    assert_eq!(generic::<_, 2>(&'a'), ['a', 'a']);
    assert_eq!(labelled(10), 1);
    assert_eq!(recursive(10), 55);
    // SAFETY: the reference is valid.
    assert_eq!(unsafe { unsafe_fn(&4) }, 4);
    assert_eq!(for_c(1), 2);
    assert!(std::panic::catch_unwind(|| never("oh")).is_err());
    assert_eq!(where_from(), line!());
    assert_eq!(tail_borrow(RefCell::new("a".into())), "a");
    assert_eq!(raw_names(3), 3);
    assert_eq!(inner::in_module(1) + inner::constant(1) + CONSTANT, 7);
    inner::left_alone();
    assert_eq!(inner::deeper::Thing.method(), 9);
}

#[test]
fn methods_do_what_they_do_untraced() {
    let mut counter = Counter::new();
    *counter.add(1) += 5;
    assert_eq!(counter.first(), Some(&6));
    assert_eq!(counter.with_own_options("abc"), 3);
    assert_eq!(futures::executor::block_on(assert_send(counter.sum(4))), 5);
    assert_eq!(counter.into_items(), [6]);
    assert_eq!(Box::new(Counter::<u32>::new()).boxed(), 0);
    assert_eq!(Small.provided("abc"), 4);
}

#[tokio::test]
async fn async_functions_do_what_they_do_untraced() {
    assert_eq!(assert_send(asynchronous("a".into(), "0")).await.unwrap(), "a");
    assert_eq!(asynchronous("a".into(), "5").await.unwrap(), "a5");
    assert!(asynchronous("a".into(), "x").await.is_err());
    assert_eq!(async_impl_trait(5).await.to_string(), "5");
    async_unit(Opaque).await;
    assert_eq!(assert_send(Small.fetch("abc", vec![1])).await, Ok(4));
    assert!(Small.fetch("", vec![]).await.is_err());
    assert_eq!(Other.fetch("12", vec![]).await, Ok(12));
    assert_eq!(pinned("abc").await, Ok(3));
    assert_eq!(opaque_future("abc".into()).await, 3);
}

thread_local! {
    static DROPS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

struct Noted(&'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        DROPS.with_borrow_mut(|drops| drops.push(self.0));
    }
}

struct Fields {
    a: Noted,
    b: Noted,
}

fn drops(run: impl FnOnce()) -> Vec<&'static str> {
    run();
    DROPS.take()
}

macro_rules! twice {
    ($(fn $traced:ident / $bare:ident $arguments:tt $body:block)*) => {$(
        #[glasshull::trace]
        fn $traced $arguments $body
        fn $bare $arguments $body
    )*};
}

twice! {
    fn traced_plain / bare_plain (_a: Noted, b: Noted) { let _local = Noted("local"); drop(b); }
    fn traced_ignored / bare_ignored (_: Noted, _b: Noted, _: Noted) { let _local = Noted("local"); }
    fn traced_pattern / bare_pattern ((_a, _): (Noted, Noted), (_, _b): (Noted, Noted)) { let _local = Noted("local"); }
    fn traced_fields / bare_fields (fields: Fields, _x: Noted) { drop(fields.b); let _local = Noted("local"); }
}

impl Fields {
    #[glasshull::trace]
    fn traced_self(self, _a: Noted) {
        let _part = self.b;
    }

    fn bare_self(self, _a: Noted) {
        let _part = self.b;
    }
}

#[test]
fn drops_happen_in_the_order_of_the_untraced_function() {
    let n = Noted;
    let fields = || Fields { a: n("a"), b: n("b") };
    assert_eq!(drops(|| traced_plain(n("a"), n("b"))), drops(|| bare_plain(n("a"), n("b"))));
    assert_eq!(drops(|| traced_ignored(n("1"), n("2"), n("3"))), drops(|| bare_ignored(n("1"), n("2"), n("3"))));
    let pairs = || ((n("1a"), n("1b")), (n("2a"), n("2b")));
    let (first, second) = (pairs(), pairs());
    assert_eq!(drops(|| traced_pattern(first.0, first.1)), drops(|| bare_pattern(second.0, second.1)));
    assert_eq!(drops(|| traced_fields(fields(), n("x"))), drops(|| bare_fields(fields(), n("x"))));
    assert_eq!(drops(|| fields().traced_self(n("x"))), drops(|| fields().bare_self(n("x"))));
}

#[test]
fn async_drops_happen_in_the_order_of_the_untraced_function() {
    #[glasshull::trace]
    async fn traced(a: Noted, _: Noted, _c: Noted) {
        let _local = Noted("local");
        drop(a);
    }
    async fn bare(a: Noted, _: Noted, _c: Noted) {
        let _local = Noted("local");
        drop(a);
    }
    let n = Noted;
    let with = drops(|| futures::executor::block_on(traced(n("1"), n("2"), n("3"))));
    let without = drops(|| futures::executor::block_on(bare(n("1"), n("2"), n("3"))));
    assert_eq!(with, without);
}

/// A future that is never polled drops what it was given, in the order it was given in.
#[test]
fn unpolled_futures_drop_their_arguments_in_the_order_of_the_untraced_function() {
    type Pair = (Noted, Noted);
    #[glasshull::trace(skip(a), capture(c = c.0))]
    async fn traced(a: Noted, (_, b): Pair, _: Noted, c: Noted) {
        drop((c, b, a));
    }
    async fn bare(a: Noted, (_, b): Pair, _: Noted, c: Noted) {
        drop((c, b, a));
    }
    let n = Noted;
    let with = drops(|| drop(traced(n("1"), (n("2"), n("3")), n("4"), n("5"))));
    let without = drops(|| drop(bare(n("1"), (n("2"), n("3")), n("4"), n("5"))));
    assert_eq!(with, without);
}

/// What a traced future takes more than one that is not: a word, and what lies between that and its last field.
#[test]
fn traced_futures_are_not_much_larger() {
    #[glasshull::trace]
    async fn traced(text: String, n: u64) -> usize {
        tokio::task::yield_now().await;
        text.len() + n as usize
    }
    async fn bare(text: String, n: u64) -> usize {
        tokio::task::yield_now().await;
        text.len() + n as usize
    }
    let (with, without) = (traced(String::new(), 1), bare(String::new(), 1));
    let grown = size_of_val(&with) - size_of_val(&without);
    assert!(grown <= 16, "by {grown} bytes");
}
