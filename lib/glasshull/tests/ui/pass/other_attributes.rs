// In a traced block, other attributes keep their meaning, also those that are called `trace`.
mod foreign {
    // Another crate's `#[trace]`: without it these do not compile.
    use async_trait::async_trait as trace;

    #[glasshull::trace]
    pub mod inside {
        use super::trace;

        #[trace]
        pub trait Remote {
            async fn fetch(&self, n: u32) -> u32 {
                n
            }
        }

        pub struct Here;

        #[trace]
        impl Remote for Here {}

        pub fn object() -> Box<dyn Remote> {
            Box::new(Here)
        }
    }
}

mod on_functions {
    use tokio::main as trace;

    #[glasshull::trace]
    pub mod inside {
        use super::trace;

        #[trace(flavor = "current_thread")]
        pub async fn blocks(n: u32) -> u32 {
            n
        }

        #[trace]
        pub async fn bare(n: u32) -> u32 {
            n
        }
    }
}

mod ours {
    use glasshull::trace;

    pub struct Cart;

    #[trace(skip(b))]
    impl Cart {
        #[trace(redact(a))]
        pub fn imported(&self, a: u32, b: u32) -> u32 {
            a + b
        }

        #[cfg_attr(all(), glasshull::trace(skip(a)))]
        #[cfg_attr(any(), glasshull::trace(no_such_option))]
        pub fn conditional(&self, a: u32) -> u32 {
            a
        }

        #[cfg_attr(any(), glasshull::trace(no_such_option))]
        #[inline]
        #[must_use]
        #[doc(alias = "x")]
        pub fn absent(&self, a: u32) -> u32 {
            a
        }
    }
}

fn main() {
    drop(foreign::inside::object());
    assert_eq!(on_functions::inside::blocks(1) + on_functions::inside::bare(1), 2);
    let cart = ours::Cart;
    assert_eq!(cart.imported(1, 2) + cart.conditional(3) + cart.absent(4), 10);
}
