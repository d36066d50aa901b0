//! The shop's questions, asked as README tells people to.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;

use crate::documents::statements;
use crate::hub_process::{HubProcess, eventually};
use crate::shop_process::ShopProcess;

/// A hub, and a shop of which everything is traced.
struct Traced {
    // Stopped first, so that it does not miss its hub.
    _shop: ShopProcess,
    hub: HubProcess,
}

/// The same for all tests that run at the time; they ask and change nothing. Stopped with the last of them.
fn shop() -> Arc<Traced> {
    static RUNNING: Mutex<Weak<Traced>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let traced = Arc::new(start());
        *running = Arc::downgrade(&traced);
        traced
    })
}

fn start() -> Traced {
    let hub = HubProcess::start();
    let shop = ShopProcess::start(&hub.url());
    eventually("all functions of the shop are known", || {
        let functions = hub.get("functions");
        let known = |service| functions["functions"].as_array().into_iter().flatten().any(|f| f["service"] == service);
        ["storefront", "pricing", "warehouse", "load"].into_iter().all(known)
    });
    hub.statement("TRACE load::*, storefront::*, pricing::*, warehouse::* FOR 10m");
    Traced { _shop: shop, hub }
}

/// The statement under a heading of the shop's documentation.
fn answer_to(heading: &str) -> String {
    let found = statements("examples/shop/src/main.rs").into_iter().find(|(above, _)| above.contains(heading));
    found.unwrap_or_else(|| panic!("no statement under \"{heading}\"")).1
}

/// Asks until there is an answer: faults are planted among thousands of orders.
fn ask(hub: &HubProcess, question: &str) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    eventually(question, || {
        rows = hub.rows(question);
        !rows.is_empty()
    });
    rows
}

#[test]
fn why_did_price_return_0_for_this_order() {
    let shop = shop();
    // Of the first call, what it called may have been passed before its gate was open.
    eventually("the coupon's look-up is seen below the price", || {
        let rows = ask(&shop.hub, &answer_to("return 0"));
        assert!(rows.iter().all(|row| row[2] == "AUTUMN15"), "{rows:?}");
        rows.iter().any(|row| {
            let tree = shop.hub.statement(&format!("TREE {}", row[0].as_str().expect("a call's id")));
            let mut calls = tree["calls"].as_array().expect("calls").iter();
            let looked_up =
                calls.find(|call| call["function"].as_str().is_some_and(|name| name.ends_with("::discount::find")));
            looked_up.is_some_and(|call| call["returned"]["percent"] == 1500)
        })
    });
}

#[test]
fn why_are_some_reservations_slow() {
    let shop = shop();
    let question = answer_to("slow");
    eventually("beads lead the list", || {
        let rows = ask(&shop.hub, &question);
        rows[0][0] == "BEAD-11"
    });
}

#[test]
fn what_makes_these_payments_fail() {
    let rows = ask(&shop().hub, &answer_to("payments fail"));
    assert!(rows.iter().all(|row| row[1].as_str().is_some_and(|card| card.starts_with("GC-17"))), "{rows:?}");
    assert!(rows[0][3].to_string().contains("invalid digit found in string"), "{rows:?}");
}

#[test]
fn where_did_this_order_id_go() {
    let shop = shop();
    // Another one each time: of the first, some services were passed before their gates were open; the last are under
    // way.
    let served = "SELECT args->>'order_id' FROM calls WHERE function LIKE '%::Carrier::book' \
        ORDER BY started_at DESC LIMIT 1 OFFSET 20";
    eventually("all three services are seen", || {
        let order = ask(&shop.hub, served)[0][0].as_str().expect("an id").to_owned();
        let rows = ask(&shop.hub, &answer_to("order id").replace("4f8e1c7a", &order));
        ["storefront", "pricing", "warehouse"].iter().all(|service| rows.iter().any(|row| row[2] == *service))
    });
}

#[test]
fn what_panicked() {
    let rows = ask(&shop().hub, &answer_to("panicked"));
    assert!(
        rows.iter().any(|row| row[2].as_str().is_some_and(|message| message.contains("divide by zero"))),
        "{rows:?}"
    );
}

#[test]
fn what_hangs() {
    let rows = ask(&shop().hub, &answer_to("hangs"));
    assert!(rows.iter().any(|row| row[1].to_string().contains("FO")), "{rows:?}");
}

#[test]
fn secrets_never_leave_the_process() {
    let shop = shop();
    ask(&shop.hub, "SELECT 1 FROM calls WHERE function LIKE '%::authorise' LIMIT 1");
    ask(&shop.hub, "SELECT 1 FROM calls WHERE function LIKE '%::sign_in' LIMIT 1");
    let leaked = "SELECT function, args FROM calls WHERE args LIKE '%-loves-%' OR args LIKE '%\"4000%' LIMIT 3";
    assert_eq!(shop.hub.rows(leaked), Vec::<Vec<Value>>::new());
}
