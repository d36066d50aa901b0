//! Coupons.

use serde::Serialize;

/// What a coupon is worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    Percent(u64),
    /// In cents.
    Amount(u64),
}

/// As marketing typed them in. All but one of the percentages are percentages.
const COUPONS: &[(&str, Discount)] = &[
    ("WELCOME10", Discount::Percent(10)),
    ("FRIENDS20", Discount::Percent(20)),
    ("AUTUMN15", Discount::Percent(1500)),
    ("FIVER", Discount::Amount(500)),
    ("SORRY", Discount::Amount(1_000)),
];

/// The price after the coupon, in cents. A coupon nobody knows changes nothing.
#[glasshull::trace]
pub fn apply(subtotal: u64, coupon: &str) -> u64 {
    match find(coupon) {
        Some(Discount::Percent(percent)) => subtotal.saturating_sub(subtotal * percent / 100),
        Some(Discount::Amount(amount)) => subtotal.saturating_sub(amount),
        None => subtotal,
    }
}

/// What the coupon is worth.
#[glasshull::trace]
pub fn find(coupon: &str) -> Option<Discount> {
    COUPONS.iter().find(|(code, _)| *code == coupon).map(|(_, discount)| *discount)
}
