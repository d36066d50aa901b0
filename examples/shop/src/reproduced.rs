//! Generated: tests the page has written of calls as they were captured ("Reproduce"), to show that they compile and run.
//! A test of the page writes this file; it holds nothing that was written by hand.

/// Call 13c264d62f00885f of trace 75ac3e5fd8ac0064fc523a7df704caa8, as captured on pricing-green (pricing 2.4.0-rc.1)
/// at 2026-11-21T19:40:36.334054900Z. It returned.
///
/// Put it into examples/shop/src/pricing/tax.rs, from where the function can be seen.
/// It needs `serde` and `serde_json`.
#[test]
#[allow(dead_code, clippy::all, clippy::pedantic)]
fn vat_as_captured_2f00885f() {
    let price = "4450";
    let country = r#""DE""#;

    let types = types_of(crate::pricing::tax::vat);
    let returned = crate::pricing::tax::vat(
        (&&&types.0).given("price", price),
        (&&&types.1).given("country", country),
    );
    if let Some(told) = (&&&Got(&returned)).told() {
        assert_eq!(told, json::<serde_json::Value>(r#"{
  "returned": 845
}"#));
    }

    // From here on nothing is about this call: the compiler finds out of what types the parameters are.
    use std::{any::type_name, marker::PhantomData};

    use serde::Deserialize;

    struct Type<T>(PhantomData<T>);
    fn types_of<A, B, R>(_: fn(A, B) -> R) -> (Type<A>, Type<B>) {
        (Type(PhantomData), Type(PhantomData))
    }

    fn json<T: Deserialize<'static>>(text: &'static str) -> T {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is no {}: {error}", type_name::<T>()))
    }

    fn kept<T: Deserialize<'static>>(text: &'static str) -> &'static mut T {
        Box::leak(Box::new(json(text)))
    }
    trait Reference<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Reference<&'static T> for &&Type<&'static T> {
        fn given(&self, _: &str, text: &'static str) -> &'static T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static mut T> for &&Type<&'static mut T> {
        fn given(&self, _: &str, text: &'static str) -> &'static mut T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static [T]> for &&Type<&'static [T]> {
        fn given(&self, _: &str, text: &'static str) -> &'static [T] {
            kept::<Vec<T>>(text)
        }
    }
    impl Reference<&'static str> for &&Type<&'static str> {
        fn given(&self, _: &str, text: &'static str) -> &'static str {
            kept::<String>(text)
        }
    }
    trait Owned<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Owned<T> for &Type<T> {
        fn given(&self, _: &str, text: &'static str) -> T {
            json(text)
        }
    }
    trait ByHand<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T> ByHand<T> for Type<T> {
        fn given(&self, name: &str, text: &'static str) -> T {
            panic!("make `{name}`, a {}, by hand: captured was {text}", type_name::<T>())
        }
    }

    struct Got<'a, T>(&'a T);
    trait OfResult {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize, E: std::fmt::Display> OfResult for &&Got<'_, Result<T, E>> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(match self.0 {
                Ok(value) => serde_json::json!({"returned": value}),
                Err(error) => serde_json::json!({"error": error.to_string()}),
            })
        }
    }
    trait OfValue {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize> OfValue for &Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(serde_json::json!({"returned": self.0}))
        }
    }
    trait Untold {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T> Untold for Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            None
        }
    }
}

/// Call 13c264d62f008860 of trace 75ac3e5fd8ac0064fc523a7df704caa8, as captured on pricing-green (pricing 2.4.0-rc.1)
/// at 2026-11-21T19:40:36.334054900Z. It returned.
///
/// Put it into examples/shop/src/pricing/quote.rs, from where the function can be seen.
/// It needs `serde` and `serde_json`.
#[test]
#[allow(dead_code, clippy::all, clippy::pedantic)]
fn price_as_captured_2f008860() {
    let order = r#"{
  "order_id": "4f8e1c7a-\"\\ \u202e",
  "lines": [
    {
      "sku": "TEAPOT-02",
      "quantity": 2
    }
  ],
  "coupon": "AUTUMN15",
  "country": "DE",
  "gift_card": null
}"#;

    let types = types_of(crate::pricing::quote::price);
    let returned = crate::pricing::quote::price(
        (&&&types.0).given("order", order),
    );
    if let Some(told) = (&&&Got(&returned)).told() {
        assert_eq!(told, json::<serde_json::Value>(r#"{
  "returned": 0
}"#));
    }

    // From here on nothing is about this call: the compiler finds out of what types the parameters are.
    use std::{any::type_name, marker::PhantomData};

    use serde::Deserialize;

    struct Type<T>(PhantomData<T>);
    fn types_of<A, R>(_: fn(A) -> R) -> (Type<A>,) {
        (Type(PhantomData),)
    }

    fn json<T: Deserialize<'static>>(text: &'static str) -> T {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is no {}: {error}", type_name::<T>()))
    }

    fn kept<T: Deserialize<'static>>(text: &'static str) -> &'static mut T {
        Box::leak(Box::new(json(text)))
    }
    trait Reference<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Reference<&'static T> for &&Type<&'static T> {
        fn given(&self, _: &str, text: &'static str) -> &'static T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static mut T> for &&Type<&'static mut T> {
        fn given(&self, _: &str, text: &'static str) -> &'static mut T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static [T]> for &&Type<&'static [T]> {
        fn given(&self, _: &str, text: &'static str) -> &'static [T] {
            kept::<Vec<T>>(text)
        }
    }
    impl Reference<&'static str> for &&Type<&'static str> {
        fn given(&self, _: &str, text: &'static str) -> &'static str {
            kept::<String>(text)
        }
    }
    trait Owned<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Owned<T> for &Type<T> {
        fn given(&self, _: &str, text: &'static str) -> T {
            json(text)
        }
    }
    trait ByHand<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T> ByHand<T> for Type<T> {
        fn given(&self, name: &str, text: &'static str) -> T {
            panic!("make `{name}`, a {}, by hand: captured was {text}", type_name::<T>())
        }
    }

    struct Got<'a, T>(&'a T);
    trait OfResult {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize, E: std::fmt::Display> OfResult for &&Got<'_, Result<T, E>> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(match self.0 {
                Ok(value) => serde_json::json!({"returned": value}),
                Err(error) => serde_json::json!({"error": error.to_string()}),
            })
        }
    }
    trait OfValue {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize> OfValue for &Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(serde_json::json!({"returned": self.0}))
        }
    }
    trait Untold {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T> Untold for Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            None
        }
    }
}

/// Call 13c264d62f008861 of trace 75ac3e5fd8ac0064fc523a7df704caa8, as captured on pricing-green (pricing 2.4.0-rc.1)
/// at 2026-11-21T19:40:36.334054900Z. It ended in an error.
///
/// Put it into examples/shop/src/warehouse/ledger.rs, from where the function can be seen.
/// It needs `serde` and `serde_json`.
#[test]
#[allow(dead_code, clippy::all, clippy::pedantic)]
fn balance_as_captured_2f008861() {
    let code = r#""GC-17-0001""#;

    let types = types_of(crate::warehouse::ledger::balance);
    let returned = crate::warehouse::ledger::balance(
        (&&&types.0).given("code", code),
    );
    if let Some(told) = (&&&Got(&returned)).told() {
        assert_eq!(told, json::<serde_json::Value>(r#"{
  "error": "gift card GC-17-0001: entry 1 of the ledger cannot be read"
}"#));
    }

    // From here on nothing is about this call: the compiler finds out of what types the parameters are.
    use std::{any::type_name, marker::PhantomData};

    use serde::Deserialize;

    struct Type<T>(PhantomData<T>);
    fn types_of<A, R>(_: fn(A) -> R) -> (Type<A>,) {
        (Type(PhantomData),)
    }

    fn json<T: Deserialize<'static>>(text: &'static str) -> T {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is no {}: {error}", type_name::<T>()))
    }

    fn kept<T: Deserialize<'static>>(text: &'static str) -> &'static mut T {
        Box::leak(Box::new(json(text)))
    }
    trait Reference<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Reference<&'static T> for &&Type<&'static T> {
        fn given(&self, _: &str, text: &'static str) -> &'static T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static mut T> for &&Type<&'static mut T> {
        fn given(&self, _: &str, text: &'static str) -> &'static mut T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static [T]> for &&Type<&'static [T]> {
        fn given(&self, _: &str, text: &'static str) -> &'static [T] {
            kept::<Vec<T>>(text)
        }
    }
    impl Reference<&'static str> for &&Type<&'static str> {
        fn given(&self, _: &str, text: &'static str) -> &'static str {
            kept::<String>(text)
        }
    }
    trait Owned<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Owned<T> for &Type<T> {
        fn given(&self, _: &str, text: &'static str) -> T {
            json(text)
        }
    }
    trait ByHand<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T> ByHand<T> for Type<T> {
        fn given(&self, name: &str, text: &'static str) -> T {
            panic!("make `{name}`, a {}, by hand: captured was {text}", type_name::<T>())
        }
    }

    struct Got<'a, T>(&'a T);
    trait OfResult {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize, E: std::fmt::Display> OfResult for &&Got<'_, Result<T, E>> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(match self.0 {
                Ok(value) => serde_json::json!({"returned": value}),
                Err(error) => serde_json::json!({"error": error.to_string()}),
            })
        }
    }
    trait OfValue {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize> OfValue for &Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(serde_json::json!({"returned": self.0}))
        }
    }
    trait Untold {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T> Untold for Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            None
        }
    }
}

/// Call 13c264d62f008862 of trace 75ac3e5fd8ac0064fc523a7df704caa8, as captured on pricing-green (pricing 2.4.0-rc.1)
/// at 2026-11-21T19:40:36.334054900Z. It returned.
///
/// Put it into examples/shop/src/pricing/catalogue.rs, from where the function can be seen.
/// It needs `serde` and `serde_json`.
#[test]
#[allow(dead_code, clippy::all, clippy::pedantic)]
fn subtotal_as_captured_2f008862() {
    let lines = r#"[
  {
    "sku": "MUG-01",
    "quantity": 3
  }
]"#;

    let types = types_of(crate::pricing::catalogue::subtotal);
    let returned = crate::pricing::catalogue::subtotal(
        (&&&types.0).given("lines", lines),
    );
    if let Some(told) = (&&&Got(&returned)).told() {
        assert_eq!(told, json::<serde_json::Value>(r#"{
  "returned": 3870
}"#));
    }

    // From here on nothing is about this call: the compiler finds out of what types the parameters are.
    use std::{any::type_name, marker::PhantomData};

    use serde::Deserialize;

    struct Type<T>(PhantomData<T>);
    fn types_of<A, R>(_: fn(A) -> R) -> (Type<A>,) {
        (Type(PhantomData),)
    }

    fn json<T: Deserialize<'static>>(text: &'static str) -> T {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is no {}: {error}", type_name::<T>()))
    }

    fn kept<T: Deserialize<'static>>(text: &'static str) -> &'static mut T {
        Box::leak(Box::new(json(text)))
    }
    trait Reference<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Reference<&'static T> for &&Type<&'static T> {
        fn given(&self, _: &str, text: &'static str) -> &'static T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static mut T> for &&Type<&'static mut T> {
        fn given(&self, _: &str, text: &'static str) -> &'static mut T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static [T]> for &&Type<&'static [T]> {
        fn given(&self, _: &str, text: &'static str) -> &'static [T] {
            kept::<Vec<T>>(text)
        }
    }
    impl Reference<&'static str> for &&Type<&'static str> {
        fn given(&self, _: &str, text: &'static str) -> &'static str {
            kept::<String>(text)
        }
    }
    trait Owned<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Owned<T> for &Type<T> {
        fn given(&self, _: &str, text: &'static str) -> T {
            json(text)
        }
    }
    trait ByHand<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T> ByHand<T> for Type<T> {
        fn given(&self, name: &str, text: &'static str) -> T {
            panic!("make `{name}`, a {}, by hand: captured was {text}", type_name::<T>())
        }
    }

    struct Got<'a, T>(&'a T);
    trait OfResult {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize, E: std::fmt::Display> OfResult for &&Got<'_, Result<T, E>> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(match self.0 {
                Ok(value) => serde_json::json!({"returned": value}),
                Err(error) => serde_json::json!({"error": error.to_string()}),
            })
        }
    }
    trait OfValue {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize> OfValue for &Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(serde_json::json!({"returned": self.0}))
        }
    }
    trait Untold {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T> Untold for Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            None
        }
    }
}

/// Call 13c264d62f008863 of trace 75ac3e5fd8ac0064fc523a7df704caa8, as captured on pricing-green (pricing 2.4.0-rc.1)
/// at 2026-11-21T19:40:36.334054900Z. It returned.
///
/// Put it into examples/shop/src/warehouse/carrier.rs, from where the function can be seen.
/// It needs `serde` and `serde_json`.
/// Not captured whole: `this`. Put in what is missing.
#[tokio::test]
#[should_panic(expected = "make `self`, a &shop::warehouse::carrier::Carrier, by hand")]
#[allow(dead_code, clippy::all, clippy::pedantic)]
async fn book_as_captured_2f008863() {
    let this = r#"{
  "$glasshull": "opaque: Carrier"
}"#;
    let order_id = r#""4f8e1c7a""#;
    let country = r#""DE""#;
    let parcels = "1";

    let types = types_of(crate::warehouse::carrier::Carrier::book);
    let returned = crate::warehouse::carrier::Carrier::book(
        (&&&types.0).given("self", this),
        (&&&types.1).given("order_id", order_id),
        (&&&types.2).given("country", country),
        (&&&types.3).given("parcels", parcels),
    ).await;
    if let Some(told) = (&&&Got(&returned)).told() {
        assert_eq!(told, json::<serde_json::Value>(r#"{
  "returned": {
    "reference": "x",
    "parcels": 1,
    "when": "tomorrow at 9"
  }
}"#));
    }

    // From here on nothing is about this call: the compiler finds out of what types the parameters are.
    use std::{any::type_name, marker::PhantomData};

    use serde::Deserialize;

    struct Type<T>(PhantomData<T>);
    fn types_of<A, B, C, D, R>(_: fn(A, B, C, D) -> R) -> (Type<A>, Type<B>, Type<C>, Type<D>) {
        (Type(PhantomData), Type(PhantomData), Type(PhantomData), Type(PhantomData))
    }

    fn json<T: Deserialize<'static>>(text: &'static str) -> T {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is no {}: {error}", type_name::<T>()))
    }

    fn kept<T: Deserialize<'static>>(text: &'static str) -> &'static mut T {
        Box::leak(Box::new(json(text)))
    }
    trait Reference<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Reference<&'static T> for &&Type<&'static T> {
        fn given(&self, _: &str, text: &'static str) -> &'static T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static mut T> for &&Type<&'static mut T> {
        fn given(&self, _: &str, text: &'static str) -> &'static mut T {
            kept(text)
        }
    }
    impl<T: Deserialize<'static>> Reference<&'static [T]> for &&Type<&'static [T]> {
        fn given(&self, _: &str, text: &'static str) -> &'static [T] {
            kept::<Vec<T>>(text)
        }
    }
    impl Reference<&'static str> for &&Type<&'static str> {
        fn given(&self, _: &str, text: &'static str) -> &'static str {
            kept::<String>(text)
        }
    }
    trait Owned<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T: Deserialize<'static>> Owned<T> for &Type<T> {
        fn given(&self, _: &str, text: &'static str) -> T {
            json(text)
        }
    }
    trait ByHand<T> {
        fn given(&self, name: &str, text: &'static str) -> T;
    }
    impl<T> ByHand<T> for Type<T> {
        fn given(&self, name: &str, text: &'static str) -> T {
            panic!("make `{name}`, a {}, by hand: captured was {text}", type_name::<T>())
        }
    }

    struct Got<'a, T>(&'a T);
    trait OfResult {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize, E: std::fmt::Display> OfResult for &&Got<'_, Result<T, E>> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(match self.0 {
                Ok(value) => serde_json::json!({"returned": value}),
                Err(error) => serde_json::json!({"error": error.to_string()}),
            })
        }
    }
    trait OfValue {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T: serde::Serialize> OfValue for &Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            Some(serde_json::json!({"returned": self.0}))
        }
    }
    trait Untold {
        fn told(&self) -> Option<serde_json::Value>;
    }
    impl<T> Untold for Got<'_, T> {
        fn told(&self) -> Option<serde_json::Value> {
            None
        }
    }
}
