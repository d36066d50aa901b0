//! What a customer orders. These types travel between the services as JSON; amounts are in cents.

use serde::{Deserialize, Serialize};

/// A GUID, drawn by the customer's browser. All three services are told it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OrderId(pub String);

/// One order.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Order {
    pub id: OrderId,
    pub customer: Customer,
    pub lines: Vec<Line>,
    pub coupon: Option<String>,
    pub payment: Payment,
}

/// Who orders.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Customer {
    pub email: String,
    /// What Glasshull's redaction is for: it never leaves the process as part of a captured call.
    pub password: String,
    /// Two letters, such as `DE`.
    pub country: String,
}

/// So many of one thing.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Line {
    pub sku: String,
    pub quantity: u32,
}

/// How the customer pays.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Payment {
    Card { card_number: String },
    Invoice { vat_id: String },
    GiftCard { code: String },
}

/// What pricing is asked.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct QuoteRequest {
    pub order_id: OrderId,
    pub lines: Vec<Line>,
    pub coupon: Option<String>,
    pub country: String,
    /// The code of the gift card that is to pay, if one is.
    pub gift_card: Option<String>,
}

/// What an order costs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Quote {
    pub order_id: OrderId,
    /// After the coupon, before tax.
    pub price: u64,
    pub vat: u64,
    /// What the gift card covers.
    pub credit: u64,
    /// What is left to pay.
    pub total: u64,
}

/// What the warehouse is asked to put aside.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ReserveRequest {
    pub order_id: OrderId,
    pub lines: Vec<Line>,
    pub country: String,
}

/// What the warehouse has put aside.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Reservation {
    pub order_id: OrderId,
    /// Shelf bins to walk to.
    pub bins: u32,
    pub postage: u64,
    pub collection: Collection,
}

/// What the carrier has been told.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Collection {
    pub reference: String,
    pub parcels: u32,
    /// Such as `tomorrow at 9`.
    pub when: String,
}

/// What the customer gets in the end.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Receipt {
    pub order_id: OrderId,
    pub charged: u64,
    pub collection: Collection,
}
