//! The tables of the hub's state, `SHOW`, and the documentation of all tables.

use glasshull_api::answers::{
    Drops, Function, Instance, Load, Probe, ProbeCost, ProbeState, ProbeValues, Selector, Skipped, ValueLimits,
};
use glasshull_api::statement::{Statement, parse};
use glasshull_query::schema;
use serde_json::json;

use crate::rig::{Rig, call, draw, lines};

async fn rig() -> Rig {
    let rig = Rig::new().await;
    let function = |service: &str, function: &str| Function {
        service: service.into(),
        function: function.into(),
        file: "src/lib.rs".into(),
        line: 1,
        arguments: vec!["sku".into(), "count".into()],
        is_async: false,
        instances: 1,
        probes: vec!["p1".into()],
    };
    rig.known.functions.lock().unwrap().functions =
        vec![function("shop", "shop::price"), function("shop", "shop::order")];
    rig.known.instances.lock().unwrap().instances = vec![instance()];
    rig.known.probes.lock().unwrap().probes = vec![probe()];
    rig
}

fn instance() -> Instance {
    Instance {
        id: "00".into(),
        service: "shop".into(),
        instance: "shop-1".into(),
        class: "blue".into(),
        release: "1.0".into(),
        host: "h".into(),
        pid: 1,
        sdk: "rust".into(),
        tags: [("zone".to_owned(), "a".to_owned())].into(),
        started_at: "2026-11-21T02:00:00Z".into(),
        connected: true,
        since: "2026-11-21T02:00:01.5Z".into(),
        functions: 2,
        load: Load {
            drops: Drops { open_full: 1, unclaimed: 2, inside_values: 3, ..Drops::default() },
            cpu_share: Some(0.004),
            cpu_budget: Some(0.01),
            ..Load::default()
        },
    }
}

fn probe() -> Probe {
    Probe {
        id: "p1".into(),
        statement: "TRACE shop::*".into(),
        patterns: vec!["shop::*".into()],
        selectors: vec![Selector { key: "class".into(), value: "blue".into() }],
        condition: None,
        owner: "me".into(),
        created_at: "2026-11-21T02:00:00Z".into(),
        expires_at: "2026-11-21T02:05:00Z".into(),
        ended_at: None,
        max_calls: 1,
        max_calls_per_second: 2,
        sample_one_in: 3,
        value_limits: ValueLimits { items: Some(200), ..ValueLimits::default() },
        state: ProbeState::NoMatch,
        reason: "why".into(),
        instances: 1,
        functions: 0,
        captured: 4,
        calls_left: 9,
        skipped: Skipped { by_sample: 5, by_rate: 6, by_condition: 7, undecided: 4, by_governor: 8 },
        values: ProbeValues {
            truncated_calls: 11,
            failed_values: 12,
            printed_values: 13,
            printed_at: Some("shop::pay(card)".into()),
        },
        cost: ProbeCost {
            cpu_share: Some(0.002),
            governor_one_in: 4,
            cpu_ns: 1_500,
            condition_ns: 600,
            ..ProbeCost::default()
        },
    }
}

async fn shown(rig: &Rig, statement: &str) -> String {
    let Ok(Statement::Show(show)) = parse(statement) else { panic!("{statement} is no SHOW") };
    draw(&rig.engine.show("tests", &show, None).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_s_state_can_be_asked_and_joined() {
    let rig = rig().await;
    rig.append(&[call("shop::price", 1), call("shop::price", 2)]).await;
    let sql = "SELECT f.function, count(c.call_id) AS calls FROM functions f LEFT JOIN calls c ON c.function = f.function GROUP BY f.function ORDER BY 1";
    assert_eq!(rig.drawn(sql).await, "function | calls\nshop::order | 0\nshop::price | 2");
    assert_eq!(
        rig.drawn("SELECT instance, tags->>'zone' AS zone, since FROM instances WHERE connected").await,
        "instance | zone | since\nshop-1 | a | 2026-11-21T02:00:01.500000000Z"
    );
    assert_eq!(
        rig.drawn("SELECT state, selectors, capture, captured, skipped_by_rate FROM probes").await,
        "state | selectors | capture | captured | skipped_by_rate\nno_match | class=blue | 200 ITEMS | 4 | 6"
    );
    assert_eq!(
        rig.drawn(
            "SELECT p.calls_left, p.skipped_by_governor, p.governor_one_in, p.cpu_ns, p.cpu_left, \
             i.cpu_budget - p.cpu_share AS rest FROM probes p JOIN instances i ON i.class = 'blue'"
        )
        .await,
        "calls_left | skipped_by_governor | governor_one_in | cpu_ns | cpu_left | rest\n9 | 8 | 4 | 1500 | null | 0.008"
    );
    assert_eq!(
        rig.drawn(
            "SELECT truncated_calls, failed_values, printed_values, printed_at, undecided, condition_ns FROM probes"
        )
        .await,
        "truncated_calls | failed_values | printed_values | printed_at | undecided | condition_ns\n\
         11 | 12 | 13 | shop::pay(card) | 4 | 600"
    );
    assert_eq!(
        rig.drawn("SELECT dropped_open_full, dropped_unclaimed, dropped_inside_values FROM instances").await,
        "dropped_open_full | dropped_unclaimed | dropped_inside_values\n1 | 2 | 3"
    );
    assert_eq!(
        rig.drawn("SELECT * FROM services").await,
        "service | instances | functions | classes | releases\nshop | 1 | 2 | blue | 1.0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn show_lists_in_a_useful_order() {
    let rig = rig().await;
    rig.append(&[call("shop::old", 1).of(1).at(0), call("shop::new", 2).of(2).at(9)]).await;
    assert!(shown(&rig, "SHOW FUNCTIONS").await.lines().nth(1).unwrap().starts_with("shop | shop::order"));
    assert_eq!(shown(&rig, "SHOW FUNCTIONS LIKE '%price'").await.lines().count(), 2);
    assert_eq!(shown(&rig, "SHOW INSTANCES LIKE 'it''s'").await.lines().count(), 1);
    assert_eq!(shown(&rig, "SHOW PROBES").await.lines().count(), 2);
    assert!(shown(&rig, "SHOW TRACES").await.lines().nth(1).unwrap().contains("shop::new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_column_is_documented_as_it_is() {
    let rig = rig().await;
    for table in schema().tables {
        let rows = rig.ask(&format!("SELECT * FROM {}", table.name)).await.unwrap();
        let found: Vec<_> = rows.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        let told: Vec<_> = table.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        assert_eq!(found, told, "{}", table.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_columns_can_be_listed() {
    let rig = rig().await;
    let tables = rig.drawn("SHOW TABLES").await;
    assert!(tables.contains("calls | One row for each captured call"), "{tables}");
    let columns = rig.drawn("SHOW COLUMNS FROM calls").await;
    assert!(columns.contains("duration_ns | duration | "), "{columns}");
    let failure = rig.ask("SHOW COLUMNS FROM cals").await.unwrap_err();
    assert_eq!(failure.hint.as_deref(), Some("Did you mean calls?"));
    assert_eq!(lines(" a\n b "), "a\nb");
    assert_eq!(rig.value("SELECT count(*) FROM functions WHERE arguments LIKE '%sku%'").await, json!(2));
}
