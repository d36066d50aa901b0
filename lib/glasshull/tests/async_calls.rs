//! Async calls begin inside the body and end outside of it, however their futures are polled and end.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use glasshull::testing;

/// Is ready when it is polled the second time.
async fn pause() {
    let mut paused = false;
    poll_fn(|_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[glasshull::trace]
async fn outer(words: Vec<String>) -> Result<usize, String> {
    pause().await;
    let mut length = 0;
    for word in &words {
        length += inner(word).await?;
    }
    Ok(length)
}

#[glasshull::trace]
async fn inner(word: &str) -> Result<usize, String> {
    if word.is_empty() {
        return Err("empty".into());
    }
    pause().await;
    assert_ne!(word, "panic", "asked for");
    Ok(word.len())
}

/// Polls a future so often at most; what it gives.
fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..times).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn async_calls_end_however_their_futures_do() {
    assert_eq!(polled(outer(words(&["off"])), 9), Some(Ok(3)));
    let captured = testing::capture(["async_calls::*"], || {
        assert_eq!(polled(outer(words(&["a", "bc"])), 9), Some(Ok(3)));
        assert_eq!(polled(outer(words(&["a", ""])), 9), Some(Err("empty".into())));
        assert_eq!(polled(outer(words(&["dropped"])), 2), None);
        assert!(catch_unwind(AssertUnwindSafe(|| polled(outer(words(&["panic"])), 9))).is_err());
    });
    let tree = captured.tree();
    let expected = "\
async_calls::outer(words: [\"a\",\"bc\"]) -> 3
|-- async_calls::inner(word: \"a\") -> 1
`-- async_calls::inner(word: \"bc\") -> 2
async_calls::outer(words: [\"a\",\"\"]) !! \"empty\"
|-- async_calls::inner(word: \"a\") -> 1
`-- async_calls::inner(word: \"\") !! \"empty\"
async_calls::outer(words: [\"dropped\"]) ~~ cancelled
`-- async_calls::inner(word: \"dropped\") ~~ cancelled
";
    let (ended, panicked) = tree.split_at(tree.find("async_calls::outer(words: [\"panic\"])").unwrap_or(tree.len()));
    assert_eq!(ended, expected);
    assert_eq!(panicked.matches("asked for").count(), 2, "{panicked}");
}

#[test]
fn futures_that_take_turns_are_calls_of_their_own() {
    assert_eq!(polled(outer(words(&["off"])), 9), Some(Ok(3)));
    let captured = testing::capture(["async_calls::*"], || {
        let (mut one, mut other) = (pin!(outer(words(&["x"]))), pin!(outer(words(&["yz"]))));
        let mut context = Context::from_waker(Waker::noop());
        let mut outputs = Vec::new();
        for _ in 0..3 {
            for future in [one.as_mut(), other.as_mut()] {
                if let Poll::Ready(output) = future.poll(&mut context) {
                    outputs.push(output);
                }
            }
        }
        outputs
    });
    assert_eq!(captured.output, [Ok(1), Ok(2)]);
    let expected = "\
async_calls::outer(words: [\"x\"]) -> 1
`-- async_calls::inner(word: \"x\") -> 1
async_calls::outer(words: [\"yz\"]) -> 2
`-- async_calls::inner(word: \"yz\") -> 2
";
    assert_eq!(captured.tree(), expected);
}
