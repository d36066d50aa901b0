// An `async fn` becomes a function that gives a future: with all it may borrow, for all it may be given to.
#![deny(warnings)]
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

struct Cart<'c, T>(&'c [T]);

#[glasshull::trace]
impl<'c, T: Debug + Clone> Cart<'c, T> {
    async fn first(&self) -> Option<&T> {
        self.0.first()
    }

    async fn shared<'a>(&self, other: &'a T, _unused: &str) -> (&'c [T], &'a T) {
        std::future::ready(()).await;
        (self.0, other)
    }

    async fn changed(&mut self, by: impl FnOnce(&'c [T]) -> &'c [T]) -> &mut Self {
        self.0 = by(self.0);
        self
    }

    async fn pinned(self: Pin<&mut Self>, mut n: u32) -> u32 {
        n += 1;
        n
    }

    async fn taken<const N: usize>(self, [a, b]: [u8; 2]) -> [u8; N] {
        [a + b; N]
    }
}

trait Store {
    async fn required(&self, key: &str) -> Result<String, String>;
    fn plain(&self) -> impl Future<Output = u32> + Send;
    #[glasshull::trace]
    async fn provided(&self, key: &str) -> usize {
        self.required(key).await.map_or(0, |text| text.len())
    }
}

struct Memory;

#[glasshull::trace]
impl Store for Memory {
    async fn required(&self, key: &str) -> Result<String, String> {
        if key.is_empty() {
            return Err("empty".into());
        }
        let n: u32 = key.parse().map_err(|_| "no number")?;
        Ok(n.to_string())
    }

    async fn plain(&self) -> u32 {
        4
    }
}

#[glasshull::trace]
async fn recurses(n: u32) -> u32 {
    if n == 0 { 0 } else { Box::pin(recurses(n - 1)).await + n }
}

#[glasshull::trace]
fn recurses_as_object(n: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move { if n == 0 { 0 } else { recurses_as_object(n - 1).await + n } })
}

#[glasshull::trace]
async fn not_send(n: Rc<u32>) -> Rc<u32> {
    std::future::ready(()).await;
    n
}

#[glasshull::trace]
async fn opaque(text: &str, n: impl Into<u64>) -> Result<impl Iterator<Item = char> + '_, impl Debug> {
    if n.into() > 5 { Err(3) } else { Ok(text.chars().rev()) }
}

/// # Safety
/// There is one byte at the pointer.
#[must_use]
#[inline]
#[glasshull::trace]
pub async unsafe fn reads(from: *const u8) -> u8 {
    unsafe { *from }
}

#[glasshull::trace]
async fn never() -> ! {
    std::future::pending().await
}

// Others want an `async fn`, and are expanded later.
#[glasshull::trace]
#[tokio::main(flavor = "current_thread")]
async fn blocks(n: u32) -> u32 {
    n
}

#[glasshull::trace]
#[async_trait::async_trait]
trait Remote: Sync {
    async fn fetch(&self, n: u32) -> u32 {
        n
    }
}

#[glasshull::trace]
#[async_trait::async_trait]
impl Remote for Memory {}

async fn called<'a, F: AsyncFn(&'a str) -> usize>(f: F, text: &'a str) -> usize {
    f(text).await
}

#[glasshull::trace]
async fn length(text: &str) -> usize {
    text.len()
}

fn sent<T: Send + 'static>(value: T) -> T {
    value
}

use futures::executor::block_on as run;

fn main() {
    let (items, other) = ([1_u8, 2], 5_u8);
    let mut cart = Cart(&items);
    assert_eq!(run(cart.first()), Some(&1));
    let rest = {
        let unused = String::new();
        run(cart.shared(&other, &unused))
    };
    assert_eq!(rest, (&items[..], &5));
    assert_eq!(run(cart.changed(|all| &all[1..])).0, [2]);
    assert_eq!(run(Pin::new(&mut cart).pinned(1)), 2);
    assert_eq!(run(cart.taken::<3>([1, 2])), [3; 3]);
    assert_eq!(run(sent(Memory.provided_of("17"))), 2);
    assert_eq!(run(Memory.plain()), 4);
    assert_eq!(run(sent(recurses_as_object(3))) + run(recurses(3)), 12);
    assert_eq!(*run(not_send(Rc::new(5))), 5);
    assert_eq!(run(opaque("ab", 1_u32)).map(|c| c.collect::<String>()).ok().as_deref(), Some("ba"));
    assert_eq!(run(unsafe { reads(&7) }), 7);
    drop(sent(never()));
    assert_eq!(blocks(1), 1);
    let remote: &dyn Remote = &Memory;
    assert_eq!(run(remote.fetch(1)), 1);
    assert_eq!(run(called(length, "abc")), 3);
}

impl Memory {
    fn provided_of(&self, key: &'static str) -> impl Future<Output = usize> + Send + 'static {
        async move { Memory.provided(key).await }
    }
}
