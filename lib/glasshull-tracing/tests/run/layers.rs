//! Beside other layers: these see what they saw without ours, whether anything is captured or not.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use glasshull_tracing::layer_of_running as ours;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::with_default;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::hub::{PATIENCE, TestHub, agent, draw, probe};

#[tracing::instrument]
fn told(n: u32) {
    tracing::info!(name: "first", n, "first");
    quiet(n);
}

#[tracing::instrument(level = "debug")]
fn quiet(n: u32) {
    tracing::info!(name: "within", n, "within");
    tracing::debug!(name: "details", n, "details");
}

/// What was printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Printed {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

fn printing<S: Subscriber + for<'a> LookupSpan<'a>>(printed: &Printed) -> impl Layer<S> + Send + Sync + use<S> {
    let printed = printed.clone();
    let layer = fmt::layer().without_time().with_ansi(false).with_span_events(fmt::format::FmtSpan::NEW);
    layer.with_writer(move || printed.clone())
}

fn informing<S: Subscriber + for<'a> LookupSpan<'a>>(printed: &Printed) -> impl Layer<S> + Send + Sync + use<S> {
    printing(printed).with_filter(LevelFilter::INFO)
}

/// Everything, and what is left of it where only `INFO` is wanted.
const ALL: &str = "
told {\"n\":1} -> ?
    event::first {\"message\":\"first\",\"n\":1} -> ?
    quiet {\"n\":1} -> ?
        event::within {\"message\":\"within\",\"n\":1} -> ?
        event::details {\"message\":\"details\",\"n\":1} -> ?
";
const INFORMATION: &str = "
told {\"n\":1} -> ?
    event::first {\"message\":\"first\",\"n\":1} -> ?
    event::within {\"message\":\"within\",\"n\":1} -> ?
";

/// Runs the same in both programs, and captures in the one that has our layer.
#[track_caller]
fn check<A, B>(without: impl Fn(&Printed) -> A, with: impl Fn(&Printed) -> B, expected: &str)
where
    A: Subscriber + Send + Sync + 'static,
    B: Subscriber + Send + Sync + 'static,
{
    let printed = Printed::default();
    with_default(without(&printed), || told(1));
    let before = printed.take();
    assert!(before.contains("first"), "{before}");
    let hub = TestHub::start();
    let agent = agent(&hub);
    let run = || {
        agent.context().in_scope(|| told(1));
        assert_eq!(printed.take(), before);
    };
    with_default(with(&printed), || {
        run();
        hub.probe(vec![probe("layers::*")]);
        run();
        hub.probe(vec![]);
        run();
    });
    assert!(agent.flush(PATIENCE));
    let calls = hub.state().ended();
    assert_eq!(draw(&calls).replace("layers::", ""), expected);
}

#[test]
fn a_layer_that_wants_everything() {
    check(|p| registry().with(printing(p)), |p| registry().with(printing(p)).with(ours()), ALL);
    check(|p| registry().with(printing(p)), |p| registry().with(ours()).with(printing(p)), ALL);
    check(|p| registry().with(printing(p)), |p| registry().with(printing(p).and_then(ours())), ALL);
}

#[test]
fn a_layer_with_a_filter_of_its_own() {
    check(|p| registry().with(informing(p)), |p| registry().with(informing(p)).with(ours()), ALL);
    check(|p| registry().with(informing(p)), |p| registry().with(ours()).with(informing(p)), ALL);
    let chosen = || EnvFilter::new("info,run[told{n=1}]=debug");
    check(
        |p| registry().with(printing(p).with_filter(chosen())),
        |p| registry().with(printing(p).with_filter(chosen())).with(ours()),
        ALL,
    );
}

#[test]
fn layers_that_are_optional_boxed_or_several() {
    let boxed = |p: &Printed| -> Vec<Box<dyn Layer<registry::Registry> + Send + Sync>> {
        vec![printing(p).with_filter(LevelFilter::WARN).boxed(), informing(p).boxed()]
    };
    check(|p| registry().with(boxed(p)), |p| registry().with(boxed(p)).with(Some(ours().boxed())), ALL);
}

#[test]
fn a_filter_for_all_layers_is_one_for_ours() {
    let program = |p: &Printed| {
        let p = p.clone();
        fmt().without_time().with_ansi(false).with_writer(move || p.clone()).finish()
    };
    check(program, |p| program(p).with(ours()), INFORMATION);
    let filter = || EnvFilter::new("info");
    check(
        |p| registry().with(filter()).with(printing(p)),
        |p| registry().with(filter()).with(printing(p)).with(ours()),
        INFORMATION,
    );
}

#[test]
fn our_layer_may_be_filtered_further() {
    check(
        |p| registry().with(informing(p)),
        |p| registry().with(informing(p)).with(ours().up_to(LevelFilter::INFO)),
        INFORMATION,
    );
    check(
        |p| registry().with(printing(p)),
        |p| registry().with(printing(p)).with(ours().with_filter(LevelFilter::INFO)),
        INFORMATION,
    );
    check(
        |p| registry().with(printing(p)),
        |p| {
            registry()
                .with(ours().with_filter(Targets::new().with_target("elsewhere", LevelFilter::TRACE)))
                .with(printing(p))
        },
        "\n",
    );
}
