//! The shop, and each of its faults, over real sockets.

use std::collections::HashSet;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::load::orders::Orders;
use crate::order::{Line, Order, OrderId, Payment, Quote, QuoteRequest, Receipt, Reservation, ReserveRequest};
use crate::peer::{Peer, PeerError};
use crate::warehouse::carrier::Carrier;
use crate::warehouse::{bins, ledger, parcels};
use crate::{pricing, service, storefront, warehouse};

/// The seed of the demo, and the orders among which every fault turns up: forty seconds at 50 a second.
const SEED: u64 = 7;
const ORDERS: usize = 2_000;

/// Storefront, pricing and warehouse on free ports of this process.
struct Shop {
    storefront: Peer,
    pricing: Peer,
    warehouse: Peer,
}

impl Shop {
    /// `patience`: how long the carrier waits for a depot that does not answer.
    async fn start(patience: Duration) -> Self {
        let warehouse = Peer::new("warehouse", &serve(warehouse::routes(Carrier { patience })).await);
        let pricing = Peer::new("pricing", &serve(pricing::routes(warehouse.clone())).await);
        let routes = storefront::routes(vec![pricing.clone()], warehouse.clone());
        Self { storefront: Peer::new("storefront", &serve(routes).await), pricing, warehouse }
    }

    async fn buy(&self, order: &Order) -> Result<Receipt, PeerError> {
        self.storefront.ask("/orders", order).await
    }
}

async fn serve(routes: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(service::serve(listener, routes, std::future::pending()));
    format!("http://{address}")
}

fn orders() -> impl Iterator<Item = Order> {
    Orders::new(SEED).take(ORDERS)
}

/// The first order of the seed of this kind.
fn order(kind: impl Fn(&Order) -> bool) -> Order {
    orders().find(kind).expect("the seed has one")
}

/// An order in which nothing is planted.
fn plain(order: &Order) -> bool {
    order.coupon.is_none()
        && order.customer.country == "DE"
        && matches!(order.payment, Payment::Card { .. })
        && order.lines.iter().all(|line| line.sku != "BEAD-11" && line.sku != "EBOOK-10")
}

fn is_refused(answer: &Result<Receipt, PeerError>, with: &str) -> bool {
    matches!(answer, Err(PeerError::Refused { message, .. }) if message == with)
}

#[tokio::test]
async fn an_order_becomes_a_receipt() {
    let shop = Shop::start(Duration::ZERO).await;
    let order = order(plain);
    let receipt = shop.buy(&order).await.expect("nothing is wrong with it");
    assert_eq!(receipt.order_id, order.id);
    assert_eq!((receipt.collection.parcels, receipt.collection.when.as_str()), (1, "tomorrow at 9"));
}

#[tokio::test]
async fn one_coupon_makes_everything_free() {
    let shop = Shop::start(Duration::ZERO).await;
    let order = order(|order| order.coupon.as_deref() == Some("AUTUMN15") && order.lines[0].sku != "EBOOK-10");
    let request = |coupon: Option<String>| QuoteRequest {
        order_id: order.id.clone(),
        lines: order.lines.clone(),
        coupon,
        country: order.customer.country.clone(),
        gift_card: None,
    };
    let free: Quote = shop.pricing.ask("/quotes", &request(order.coupon.clone())).await.expect("a quote");
    let full: Quote = shop.pricing.ask("/quotes", &request(None)).await.expect("a quote");
    assert_eq!((free.price, free.total), (0, 0));
    assert!(full.price > 0);
}

#[tokio::test]
async fn beads_are_planned_with_the_square_of_their_number() {
    let comparisons = |sku, quantity| bins::plan_walk(sku, quantity).expect("it is in stock").comparisons;
    assert_eq!(comparisons("BEAD-11", 100), 100 * 99 / 2);
    assert_eq!(comparisons("BEAD-11", 1_000), 1_000 * 999 / 2);
    assert_eq!(comparisons("CANDLE-09", 1_000), 17 * 16 / 2);
    let shop = Shop::start(Duration::ZERO).await;
    let order = order(|order| order.lines[0].sku == "BEAD-11" && order.customer.country != "FO");
    let request = ReserveRequest { order_id: order.id, lines: order.lines.clone(), country: "DE".into() };
    let reservation: Reservation = shop.warehouse.ask("/reservations", &request).await.expect("a reservation");
    assert_eq!(reservation.bins, order.lines[0].quantity);
}

#[tokio::test]
async fn old_gift_cards_fail_two_services_down_and_the_customer_is_told_nothing() {
    let shop = Shop::start(Duration::ZERO).await;
    let is_old = |order: &Order| matches!(&order.payment, Payment::GiftCard { code } if code.starts_with("GC-17"));
    let answer = shop.buy(&order(is_old)).await;
    assert!(is_refused(&answer, "your order could not be taken, please try again"), "{answer:?}");

    let error = ledger::balance("GC-17-0001").expect_err("its ledger has a decimal comma");
    let causes: Vec<String> = chain(&error).collect();
    assert_eq!(
        causes,
        [
            "gift card GC-17-0001: entry 1 of the ledger cannot be read",
            "\"25,00\" is not an amount",
            "invalid digit found in string"
        ]
    );
    assert_eq!(ledger::balance("GC-24-0001").expect("a sound ledger"), 88_760);
}

#[tokio::test]
async fn an_order_without_weight_panics_and_the_warehouse_survives() {
    let shop = Shop::start(Duration::ZERO).await;
    let answer = shop.buy(&order(|order| order.lines[0].sku == "EBOOK-10")).await;
    assert!(answer.is_err());
    shop.buy(&order(plain)).await.expect("the warehouse still answers");
    assert!(std::panic::catch_unwind(|| parcels::postage("DE", 0)).is_err());
}

#[tokio::test]
async fn a_collection_on_the_faroe_islands_waits_until_patience_ends() {
    let patience = Duration::from_millis(300);
    let shop = Shop::start(patience).await;
    let asked = std::time::Instant::now();
    let mut order = order(plain);
    order.customer.country = "FO".into();
    let receipt = shop.buy(&order).await.expect("late is not never");
    assert_eq!(receipt.collection.when, "when the ferry sails");
    assert!(asked.elapsed() >= patience);
}

#[test]
fn every_fault_turns_up_among_the_first_orders_of_the_demo() {
    let count = |kind: &dyn Fn(&Order) -> bool| orders().filter(kind).count();
    assert!(count(&|order| order.coupon.as_deref() == Some("AUTUMN15")) > 20);
    assert!(count(&|order| order.lines[0].sku == "BEAD-11") > 20);
    assert!(count(&|order| matches!(&order.payment, Payment::GiftCard { code } if code.starts_with("GC-17"))) > 20);
    let panics = count(&|order| order.lines == [Line { sku: "EBOOK-10".into(), quantity: 1 }]);
    assert!((1..20).contains(&panics), "rare: {panics}");
    let hangs = count(&|order| order.customer.country == "FO");
    assert!((1..10).contains(&hangs), "rarer: {hangs}");
}

#[test]
fn the_same_seed_gives_the_same_orders_on_every_machine() {
    assert!(orders().eq(orders()));
    assert!(!orders().eq(Orders::new(SEED + 1).take(ORDERS)));
    assert_eq!(orders().map(|order| order.id).collect::<HashSet<OrderId>>().len(), ORDERS);
    let first = orders().next().expect("it is endless").id.0;
    assert_eq!(first, "63cbe1e4-5932-4dd7-844c-3cd7f43c661c");
}

fn chain(error: &dyn std::error::Error) -> impl Iterator<Item = String> {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string)
}
