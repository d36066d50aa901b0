//! What distinguishes some rows from others: planted faults are found, chance is not.

use glasshull_api::Code;
use glasshull_api::Failure;
use glasshull_api::answers::{DifferenceRequest, Differences};

use crate::rig::{Rig, TestCall, call};

async fn ask(rig: &Rig, statement: &str, selected: &str) -> Result<Differences, Failure> {
    let request = DifferenceRequest { statement: statement.into(), selected: selected.into() };
    rig.engine.differences("tests", &request).await
}

/// Each difference on a line: key, value, counts.
async fn told(rig: &Rig, statement: &str, selected: &str) -> Vec<String> {
    let found = ask(rig, statement, selected).await.unwrap_or_else(|failure| panic!("{selected}: {failure}"));
    assert_eq!(found.partial, None);
    let line = |one: &glasshull_api::answers::Difference| {
        format!("{} {} {}/{} {}/{}", one.key, one.value, one.selected, found.selected, one.rest, found.rest)
    };
    found.differences.iter().map(line).collect()
}

/// A shop: one coupon makes prices of nothing, one article is slow from 40 pieces on.
fn orders(count: u64) -> Vec<TestCall> {
    let order = |id: u64| {
        let coupon = ["null", "\"SPRING\"", "\"AUTUMN15\"", "null", "null", "null", "null"][id as usize % 7];
        let (sku, quantity) = (if id.is_multiple_of(5) { "BEAD-11" } else { "VASE-07" }, id % 80);
        let slow = if sku == "BEAD-11" && quantity >= 40 { 9_000_000 } else { 1_000 };
        let args = format!(
            r#"{{"order":{{"id":"o-{id}","coupon":{coupon},"lines":[{{"sku":"{sku}","quantity":{quantity}}}]}}}}"#
        );
        let price = if coupon == "\"AUTUMN15\"" { "0" } else { "1200" };
        call("shop::price", id).at(id as i64).took(slow + id % 50).args(&args).returned(price)
    };
    (1..=count).map(order).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_fault_stands_first() {
    let rig = Rig::new().await;
    rig.append(&orders(2_000)).await;
    rig.publish().await;
    rig.append(&[call("shop::other", 9_001).args("{}")]).await;
    let found = told(&rig, "SELECT * FROM calls WHERE function = 'shop::price'", "returned = '0'").await;
    assert_eq!(found[0], "args.order.coupon AUTUMN15 286/286 0/1714");
    assert!(!found.iter().any(|line| line.starts_with("returned")), "what was selected by says nothing: {found:?}");
    assert!(!found.iter().any(|line| line.starts_with("args.order.id")), "each has its own: {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_is_found_where_numbers_have_one() {
    let rig = Rig::new().await;
    rig.append(&orders(2_000)).await;
    let found = ask(&rig, "SELECT * FROM calls;", "duration_ns > 1000000 -- slow").await.unwrap();
    let quantity = found.differences.iter().find(|one| one.key.ends_with("quantity")).expect("the quantity");
    assert_eq!((quantity.value.as_str(), quantity.selected_share), ("≥ 40", 1.0));
    let again = rig.value(&format!("SELECT count(*) FROM calls WHERE {}", quantity.condition)).await;
    assert_eq!(again, quantity.selected + quantity.rest, "the condition holds for what was counted");
    assert_eq!(found.differences[0].condition, "args->'order'->'lines'->0->>'sku' = 'BEAD-11'");
    for one in &found.differences {
        let condition = &one.condition;
        let again = rig.value(&format!("SELECT count(*) FROM calls WHERE {condition}")).await;
        assert_eq!(again, one.selected + one.rest, "{condition}");
        assert!(one.low <= one.selected_share - one.rest_share && one.high >= one.selected_share - one.rest_share);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chance_is_no_difference() {
    let rig = Rig::new().await;
    let scattered = |id: u64| {
        let dice = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let args = format!(r#"{{"a":{},"b":"x{}","c":{}}}"#, dice % 13, dice / 13 % 5, (dice / 65).is_multiple_of(2));
        call("f", id).at(id as i64).args(&args)
    };
    rig.append(&(1..=3_000).map(scattered).collect::<Vec<_>>()).await;
    let found = told(&rig, "SELECT args, call_id FROM calls", "right(call_id, 1) = '7'").await;
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn services_and_outcomes_are_told_and_few_rows_are_unsure() {
    let rig = Rig::new().await;
    let mut calls: Vec<TestCall> = (1..=200).map(|id| call("f", id).by("good").at(id as i64)).collect();
    calls.extend((201..=260).map(|id| call("f", id).by("bad").at(id as i64).failed("boom")));
    rig.append(&calls).await;
    let found = told(&rig, "SELECT service, outcome, error FROM calls", "outcome = 'error'").await;
    assert!(found.contains(&"service bad 60/60 0/200".to_owned()), "{found:?}");
    assert!(found.contains(&"error.message boom 60/60 0/200".to_owned()), "{found:?}");
    let one = told(&rig, "SELECT service, call_id FROM calls", "call_id = '0000000000000001'").await;
    assert_eq!(one, Vec::<String>::new(), "one row is no reason");
    let none = ask(&rig, "SELECT service FROM calls", "false").await.unwrap();
    assert_eq!((none.selected, none.rest, none.differences.len()), (0, 260, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_and_nothing_can_be_changed() {
    let rig = Rig::new().await;
    rig.append(&orders(10)).await;
    for (statement, selected, expected) in [
        ("SELECT * FROM calls", "functio = 'x'", Code::StatementMeaning),
        ("SELECT * FROM calls", "duration_ns >", Code::StatementSyntax),
        ("DROP TABLE calls", "true", Code::StatementSyntax),
        ("SELECT 1", "true) FROM calls; DROP TABLE calls; SELECT (1", Code::StatementSyntax),
        ("SELECT * FROM nothing", "true", Code::StatementMeaning),
    ] {
        let failure = ask(&rig, statement, selected).await.expect_err(selected);
        assert_eq!(failure.known_code(), Some(expected), "{statement} / {selected}: {failure}");
        assert_eq!(failure.position, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_are_counted_within_bounds() {
    let rig = Rig::new().await;
    let hostile = |id: u64| {
        let args = match id % 4 {
            0 => format!(r#"{{"k{id}":{{"k{id}":"{}"}}}}"#, "x".repeat(1_000)),
            1 => format!("{}1{}", "[".repeat(90), "]".repeat(90)),
            2 => format!(r#"{{"it's \"{id}\"":1e308}}"#),
            _ => r#"{"n":"NaN","$glasshull":"redacted"}"#.to_owned(),
        };
        call("f", id).at(id as i64).args(&args).took(id)
    };
    rig.append(&(1..=4_000).map(hostile).collect::<Vec<_>>()).await;
    let found = ask(&rig, "SELECT args, duration_ns FROM calls", "duration_ns % 2 = 0").await.unwrap();
    assert_eq!((found.selected, found.rest), (2_000, 2_000));
    assert_eq!(found.partial.as_deref(), Some("Only the first 500 columns and paths were compared."));
}
