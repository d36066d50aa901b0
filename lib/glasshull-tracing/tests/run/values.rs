//! Values of every kind, and those whose code misbehaves.

use std::error::Error;
use std::fmt;

use tracing::Span;

use crate::hub::{PATIENCE, TestHub, draw, probe};
use crate::program::{captured, in_program};

#[derive(Debug)]
struct Outer;
#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer failed, password=hunter2")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("inner failed")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Inner)
    }
}

impl Error for Inner {}

#[test]
fn each_kind_of_value_is_what_it_is() {
    let drawn = captured("values::all", || {
        let error: &(dyn Error + 'static) = &Outer;
        tracing::info_span!(
            "all",
            signed = -1i8,
            unsigned = u64::MAX,
            wide = i128::MIN,
            real = 0.5,
            yes = true,
            text = "te\"xt",
            debug = ?Some("x"),
            display = %Inner,
            none = None::<u32>,
            some = Some(3),
            "dotted.name" = 1,
            error,
        );
    });
    let error =
        r#"{"message":"outer failed, password=[redacted]","type":"dyn core::error::Error","causes":["inner failed"]}"#;
    let expected = format!(
        r#"{{"signed":-1,"unsigned":{},"wide":{},"real":0.5,"yes":true,"text":"te\"xt","debug":"Some(\"x\")","display":"inner failed","none":null,"some":3,"dotted.name":1,"error":{error}}}"#,
        u64::MAX,
        i128::MIN
    );
    assert_eq!(drawn, format!("\nvalues::all {expected} -> ?\n"));
}

#[test]
fn secrets_are_withheld_wherever_they_come_from() {
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Login {
        name: &'static str,
        password: &'static str,
    }
    let drawn = captured("values::*", || {
        let login = Login { name: "ann", password: "hunter2" };
        let span = tracing::info_span!("login", ?login, api_key = "hunter2", token = tracing::field::Empty);
        span.record("token", "hunter2");
        span.in_scope(|| tracing::info!(name: "said", secret = "hunter2", "with {login:?} and password=hunter2"));
        tracing::info!(name: "prose", "unexpected token: `;`");
    });
    let withheld = r#"{"$glasshull":"redacted"}"#;
    let login = r#"Login { name: \"ann\", password: [redacted] }"#;
    let expected = format!(
        r#"
values::login {{"login":"{login}","api_key":{withheld},"token":null}} -> {{"token":{withheld}}}
    values::event::said {{"message":"with {login} and password=[redacted]","secret":{withheld}}} -> ?
values::event::prose {{"message":"unexpected token: `;`"}} -> ?
"#
    );
    assert!(!drawn.contains("hunter2"));
    assert_eq!(drawn, expected);
}

/// A value whose `Debug` uses what it is printed by.
struct Hostile(Span);

impl fmt::Debug for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.record("rows", 1);
        self.0.in_scope(|| tracing::info!(name: "from_within", "said"));
        tracing::info_span!("made_within").in_scope(|| f.write_str("hostile"))
    }
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in Debug")
    }
}

#[test]
fn values_that_use_their_own_span_or_panic_do_no_harm() {
    let drawn = captured("values::*", || {
        let around = tracing::info_span!("around", hostile = tracing::field::Empty, rows = tracing::field::Empty);
        around.record("hostile", tracing::field::debug(Hostile(around.clone())));
        around.in_scope(|| {
            tracing::info!(name: "after", hostile = ?Hostile(around.clone()), panics = ?Panics);
        });
    });
    let panicked = r#"{"$glasshull":"failed: Debug panicked: in Debug"}"#;
    let expected = format!(
        r#"
values::around {{"hostile":null,"rows":null}} -> {{"hostile":"hostile"}}
    values::event::after {{"hostile":"hostile","panics":{panicked}}} -> ?
"#
    );
    assert_eq!(drawn, expected);
}

#[test]
fn large_values_are_cut() {
    let drawn = captured("values::large", || {
        let text = "x".repeat(100_000);
        let span = tracing::info_span!("large", text, a = ?text, b = tracing::field::Empty);
        for _ in 0..1_000 {
            span.record("b", text.as_str());
        }
    });
    assert!(drawn.len() < 10_000 && drawn.matches('…').count() == 3, "{drawn}");
}

#[test]
fn a_strict_agent_prints_nothing_whose_fields_it_cannot_see() {
    let hub = TestHub::start();
    let agent = glasshull::builder().hub(hub.url()).service("test").strict(true).start().unwrap();
    let run = || {
        let span = tracing::info_span!("strict", number = 1, text = "seen", debug = ?"hunter2", display = %"hunter2");
        span.in_scope(|| tracing::info!(name: "strictly", "hunter2"));
    };
    in_program(|| {
        run();
        hub.probe(vec![probe("values::*")]);
        agent.context().in_scope(run);
    });
    assert!(agent.flush(PATIENCE));
    let drawn = draw(&hub.state().ended());
    assert!(drawn.contains(r#""number":1,"text":"seen""#) && !drawn.contains("hunter2"), "{drawn}");
}
