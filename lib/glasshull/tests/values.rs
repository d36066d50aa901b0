//! What is captured of values: how they are written, what is withheld, and what they are called.
#![allow(clippy::unused_unit)]

mod hub;

use std::collections::BTreeMap;

use hub::{TestHub, agent, captured};
use serde::Serialize;

#[glasshull::trace]
fn traced() {}

mod values {
    use super::*;

    #[derive(Serialize)]
    pub(crate) struct Order {
        pub(crate) id: u64,
        pub(crate) total: f64,
        pub(crate) card_number: String,
        pub(crate) headers: BTreeMap<String, String>,
    }

    #[derive(Debug)]
    #[allow(dead_code)]
    pub(crate) struct Printed {
        pub(crate) id: u64,
        pub(crate) password: String,
    }

    pub(crate) struct Opaque;

    pub(crate) struct Rude;

    impl std::fmt::Debug for Rude {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            super::traced();
            f.write_str("half")?;
            panic!("boom")
        }
    }

    pub(crate) struct Endless;

    impl std::fmt::Debug for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            loop {
                let _ = f.write_str("on and on ");
            }
        }
    }

    pub(crate) struct Broken;

    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("out of order"))
        }
    }

    #[glasshull::trace]
    pub(crate) fn structures(order: &Order, printed: Printed, opaque: Opaque) -> Opaque {
        let _ = (order.id, printed.id);
        opaque
    }

    #[glasshull::trace]
    pub(crate) fn hostile(rude: &Rude, endless: Endless, broken: Broken) {
        let _ = (rude, endless, broken);
    }

    #[glasshull::trace(skip(left_out), redact(withheld))]
    pub(crate) fn options(left_out: u32, withheld: u32, access_token: &str, shown: u32) {
        let _ = (left_out, withheld, access_token, shown);
    }

    #[glasshull::trace(skip_all)]
    pub(crate) fn skipped(a: u32) -> u32 {
        a
    }
}

#[test]
fn values_are_captured_by_structure_or_as_printed_and_secrets_never() {
    let order = values::Order {
        id: 7,
        total: f64::NAN,
        card_number: "4111".into(),
        headers: [("Authorization".into(), "Bearer x".into()), ("accept".into(), "*".into())].into(),
    };
    let drawn = captured("values::*", || {
        values::structures(&order, values::Printed { id: 1, password: "hunter2, {".into() }, values::Opaque);
        values::options(1, 2, "secret", 4);
        values::skipped(5);
    });
    let expected = r#"
values::structures {"order":{"id":7,"total":"NaN","card_number":{"$glasshull":"redacted"},"headers":{"Authorization":{"$glasshull":"redacted"},"accept":"*"}},"printed":"Printed { id: 1, password: [redacted] }","opaque":{"$glasshull":"opaque: values::values::Opaque"}} -> {"$glasshull":"opaque: values::values::Opaque"}
values::options {"left_out":{"$glasshull":"skipped"},"withheld":{"$glasshull":"redacted"},"access_token":{"$glasshull":"redacted"},"shown":4} -> null
values::skipped {"a":{"$glasshull":"skipped"}} -> 5
"#;
    assert_eq!(drawn, expected);
}

#[test]
fn hostile_values_do_no_harm() {
    let drawn = captured("*", || values::hostile(&values::Rude, values::Endless, values::Broken));
    let expected = r#"
values::hostile {"rude":{"$glasshull":"failed: Debug panicked: boom"},"endless":"ENDLESS…","broken":{"$glasshull":"failed: Serialize: out of order"}} -> null
"#;
    let endless = "on and on ".repeat(103)[..1024].to_owned();
    assert_eq!(drawn, expected.replace("ENDLESS", &endless));
}

mod methods {
    pub(crate) struct Cart {
        pub(crate) lines: u32,
    }

    #[glasshull::trace]
    impl Cart {
        pub(crate) fn add(&mut self, (sku, quantity): (&str, u32)) -> u32 {
            self.lines += quantity;
            let _ = sku;
            self.lines
        }

        #[glasshull::trace(name = "renamed", skip(self))]
        pub(crate) async fn total(&self, _: u8) -> u32 {
            self.lines
        }
    }
}

#[test]
fn methods_are_named_by_their_type_and_patterns_by_their_bindings() {
    let drawn = captured("Cart::*", || {
        let mut cart = methods::Cart { lines: 1 };
        cart.add(("HAT", 2));
        futures::executor::block_on(cart.total(0));
    });
    let expected = r#"
methods::Cart::add {"self":{"$glasshull":"opaque: &mut values::methods::Cart"},"sku":"HAT","quantity":2} -> 3
methods::Cart::renamed {"self":{"$glasshull":"skipped"}} -> 3
"#;
    assert_eq!(drawn, expected);
}

mod renamed {
    pub(crate) struct Login {
        pub(crate) name: String,
        pub(crate) password: String,
    }

    #[glasshull::trace]
    pub(crate) fn login(Login { password: pw, name: who }: Login) {
        drop((pw, who));
    }

    #[glasshull::trace]
    pub(crate) async fn login_async((Login { password: ref pw, .. }, n): (Login, u8)) -> usize {
        pw.len() + usize::from(n)
    }
}

#[test]
fn a_binding_of_a_field_named_as_a_secret_is_withheld() {
    let drawn = captured("renamed::*", || {
        let login = || renamed::Login { name: "ann".into(), password: "hunter2".into() };
        renamed::login(login());
        futures::executor::block_on(renamed::login_async((login(), 1)));
    });
    let expected = r#"
renamed::login {"pw":{"$glasshull":"redacted"},"who":"ann"} -> null
renamed::login_async {"pw":{"$glasshull":"redacted"},"n":1} -> 8
"#;
    assert_eq!(drawn, expected);
}

mod outer {
    #[glasshull::trace(redact(iban_like), skip(body))]
    pub(crate) mod within {
        pub(crate) struct Desk;

        #[glasshull::trace(redact(note))]
        impl Desk {
            pub(crate) fn take(iban_like: &str, body: &str, note: &str) -> usize {
                iban_like.len() + body.len() + note.len()
            }
        }

        #[glasshull::trace]
        pub(crate) mod deeper {
            #[glasshull::trace(except(untraced))]
            pub(crate) trait Counter {
                fn count(iban_like: &str, n: u8) -> usize {
                    Self::untraced() + iban_like.len() + usize::from(n)
                }

                fn untraced() -> usize {
                    0
                }
            }

            impl Counter for super::Desk {}
        }
    }
}

#[test]
fn options_of_a_block_hold_in_the_traced_blocks_inside_it() {
    use outer::within::deeper::Counter as _;
    let drawn = captured("outer::*", || {
        outer::within::Desk::take("a", "b", "c");
        outer::within::Desk::count("a", 1);
    });
    let redacted = r#"{"$glasshull":"redacted"}"#;
    let expected = format!(
        r#"
outer::within::Desk::take {{"iban_like":{redacted},"body":{{"$glasshull":"skipped"}},"note":{redacted}}} -> 3
outer::within::deeper::Counter::count {{"iban_like":{redacted},"n":1}} -> 2
"#
    );
    assert_eq!(drawn, expected);
}

#[test]
fn functions_are_known_before_they_run() {
    let hub = TestHub::start();
    let _agent = agent(&hub);
    let functions = hub.wait("functions", |state| Some(state.functions.clone()).filter(|all| !all.is_empty()));
    let by_path: BTreeMap<_, _> = functions.values().map(|function| (function.path.as_str(), function)).collect();
    let method = by_path["values::methods::Cart::add"];
    assert_eq!(method.arguments, ["self", "sku", "quantity"]);
    assert!(method.file.ends_with("values.rs") && !method.is_async);
    assert!(by_path["values::methods::Cart::renamed"].is_async);
    // The line is the function's own, not that of the attribute on the block.
    assert_ne!(method.line, by_path["values::methods::Cart::renamed"].line);
    let hello = &hub.state().hellos[0];
    let instance = hello.instance.as_ref().unwrap();
    assert_eq!((instance.service.as_str(), instance.instance_id.len()), ("test", 16));
    assert_eq!(instance.pid, std::process::id());
}
