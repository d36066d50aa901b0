//! The whole API in a program: without the feature `enabled` the same source builds, and the layer is none.
//! `cargo test -p glasshull-tracing --no-default-features --test disabled` is the second half of this test.

use tracing_subscriber::prelude::*;

#[tracing::instrument]
fn work() -> bool {
    tracing::Span::current().is_disabled()
}

#[test]
fn a_program_uses_all_of_the_api() {
    // SAFETY: this is the only test of this process, and no thread of its own runs yet.
    unsafe { std::env::set_var("GLASSHULL_HUB", "off") };
    let filtered = glasshull_tracing::layer_of_running().up_to(tracing::level_filters::LevelFilter::INFO);
    tracing_subscriber::registry().with(glasshull_tracing::layer()).with(filtered).init();
    assert_eq!(work(), cfg!(feature = "enabled"), "nobody captures it; a layer that is none wants everything");
}
