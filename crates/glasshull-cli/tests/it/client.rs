use glasshull_store::Clock;
use glasshull_testkit::{Calls, TestHub, TestInstance, eventually};
use glasshull_wire::v1::{Drops, ProbeReport, ProbeState, Report, to_hub};
use serde_json::Value;

use crate::{Ran, Typed, aside, glasshull, ran, run, run_with_input};

/// A hub with an instance whose one function was called some times.
async fn shop(calls: u64) -> (TestHub, TestInstance) {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("shop").await;
    instance.announce(&["shop::pricing::quote", "shop::main"]).await;
    let batch =
        Calls { function: "shop::pricing::quote".into(), started_at_ns: hub.clock.now_ns(), first_id: 0xabcdef };
    instance.send(to_hub::Message::Batch(batch.batch(1, calls))).await;
    assert_eq!(instance.ack().await, Some(1));
    (hub, instance)
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn data_comes_in_four_forms() {
    let (hub, _instance) = shop(2).await;
    let question = ["query", "SELECT function, args->>'sku' AS sku, returned FROM calls ORDER BY sku"];
    let table = run(&hub, &question).await;
    assert_eq!(table.code, Some(0), "{table:?}");
    let lines: Vec<&str> = table.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", table.out);
    assert!(lines[0].starts_with("function") && lines[2].contains("A1"), "{}", table.out);
    assert_eq!(table.err, "");

    let whole = json(&run(&hub, &[&question[..], &["--format", "json"]].concat()).await);
    assert_eq!(whole["rows"][1][1], "A1");

    let lines = run(&hub, &[&question[..], &["--format", "ndjson"]].concat()).await;
    let rows: Vec<Value> = lines.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((rows.len(), &rows[0]["sku"]), (2, &"A0".into()));

    let csv = run(&hub, &[&question[..], &["--format", "csv"]].concat()).await;
    assert_eq!(csv.out.lines().next(), Some("function,sku,returned"));
    assert_eq!(csv.out.lines().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_may_come_from_standard_input() {
    let (hub, _instance) = shop(3).await;
    let ran = run_with_input(&hub, &["query", "-", "--format", "json"], "SELECT count(*) FROM calls").await;
    assert_eq!(json(&ran)["rows"][0][0], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_statement_is_shown_with_its_place() {
    let hub = TestHub::start().await;
    let ran = run(&hub, &["query", "TRACE f\n  FRO 60s"]).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.starts_with("error[GH2001]: ") && ran.err.contains("\n    FRO 60s\n    ^^^\n"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_are_made_listed_and_ended() {
    let (hub, _instance) = shop(1).await;
    let made = run(&hub, &["trace", "pricing::*", "--on", "class=blue", "--for", "60s", "--format", "ndjson"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!((&json(&made)["id"], &json(&made)["selectors"][0]["value"]), (&"p1".into(), &"blue".into()));
    let listed = run(&hub, &["probes"]).await;
    assert!(listed.out.contains("p1") && listed.out.contains("pending"), "{}", listed.out);
    let ended = run(&hub, &["untrace", "p1", "--format", "ndjson"]).await;
    assert_eq!(json(&ended)["state"], "stopped");
    let again = run(&hub, &["untrace", "p1"]).await;
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("GH2007"), "{}", again.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_probe_costs_is_told_with_its_budget_and_how_far_it_is_cut_back() {
    let (hub, mut instance) = shop(1).await;
    run(&hub, &["trace", "pricing::*", "--limit", "1000"]).await;
    let mut said = ProbeReport {
        probe_id: "p1".into(),
        state: ProbeState::Limited as i32,
        reason: "capturing took 1.6 % of the CPU time this process may use, 1 % of it are allowed".into(),
        functions: 1,
        captured: 10,
        skipped_by_governor: 30,
        governor_one_in: 4,
        cost_ns: 45_600_000,
        cpu_share_ppm: 4_000,
        ..ProbeReport::default()
    };
    instance.report_costs(10_000, 5_000, said.clone()).await;
    let cost = async |part: &str| {
        eventually(part, async || {
            let listed = run(&hub, &["probes"]).await.out;
            listed.contains(part).then_some(listed)
        })
        .await
    };
    let listed = cost("  0.4 % of 1 % CPU, 1 request in 4 (governor)  ").await;
    let words: Vec<&str> = listed.lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!(words[..5], ["p1", "limited", "10", "990", "30"], "{listed}");
    assert!(listed.contains("1 % of it are allowed"), "{listed}");
    let whole = json(&run(&hub, &["probes", "--format", "json"]).await)["probes"][0].clone();
    let cost_of = &whole["cost"];
    assert_eq!(
        (&cost_of["cpu_share"], &cost_of["cpu_budget"], &cost_of["cpu_left"]),
        (&0.004.into(), &0.01.into(), &0.005.into())
    );
    assert_eq!((&cost_of["governor_one_in"], &cost_of["cpu_ns"]), (&4.into(), &45_600_000.into()));
    assert_eq!((&whole["calls_left"], &whole["skipped"]["by_governor"]), (&990.into(), &30.into()));
    assert!(run(&hub, &["instances"]).await.out.contains("0.5 % of 1 % CPU"));

    said.state = ProbeState::Suspended as i32;
    said.governor_one_in = 1_024;
    said.cpu_share_ppm = 0;
    instance.report_costs(10_000, 0, said).await;
    cost("  0 % of 1 % CPU, suspended (governor)  ").await;
    run(&hub, &["untrace", "p1"]).await;
    cost("  45.6ms CPU in all  ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_whole_and_what_was_lost_is_told_where_there_is_such() {
    let (hub, mut instance) = shop(1).await;
    run(&hub, &["trace", "pricing::*"]).await;
    let said = ProbeReport { probe_id: "p1".into(), captured: 10, skipped_by_condition: 9, ..ProbeReport::default() };
    let mut tell = async |probe: &ProbeReport, drops: Drops| {
        let report = Report { probes: vec![probe.clone()], drops: Some(drops), ..Report::default() };
        instance.send(to_hub::Message::Report(report)).await;
    };
    let listed = async |what: &str, part: &str| {
        eventually(part, async || {
            let listed = run(&hub, &[what]).await.out;
            listed.contains(part).then_some(listed)
        })
        .await
    };
    tell(&said, Drops::default()).await;
    let whole = listed("probes", "  10  ").await;
    assert!(!["cut in", "failed in", "Debug", "undecided"].iter().any(|word| whole.contains(word)), "{whole}");

    let cut = ProbeReport { truncated_calls: 1, ..said.clone() };
    tell(&cut, Drops { inside_values: 2, ..Drops::default() }).await;
    listed("probes", "  cut in 1 call  ").await;
    listed("instances", "  0  inside values 2  ").await;
    let well = run(&hub, &["doctor"]).await.out;
    assert!(!well.contains("losses"), "calls inside values are left out wherever there are such: {well}");

    let long = format!("shop::{}", "x".repeat(200));
    let flawed = ProbeReport { failed_values: 3, printed_values: 5, printed_at: long, undecided: 7, ..cut };
    tell(&flawed, Drops { ring_full: 3, open_full: 1, inside_values: 2, ..Drops::default() }).await;
    let told =
        listed("probes", "cut in 1 call, failed in 3 (panicked or refused), printed by Debug in 5 (first ").await;
    assert!(told.contains("x…), condition undecided for 7  ") && !told.contains(&"x".repeat(100)), "{told}");
    listed("instances", "  4  ring full 3, open full 1, inside values 2  ").await;
    let doctor = run(&hub, &["doctor"]).await.out;
    assert!(doctor.contains("lost 4 calls since it started (ring full 3, open full 1)."), "{doctor}");
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_and_instances_are_listed() {
    let (hub, _instance) = shop(1).await;
    let functions = run(&hub, &["functions"]).await;
    assert!(
        functions.out.contains("shop::pricing::quote") && functions.out.contains("src/lib.rs:10"),
        "{}",
        functions.out
    );
    let some = run(&hub, &["functions", "--like", "%main"]).await;
    assert!(some.out.contains("shop::main") && !some.out.contains("quote"), "{some:?}");
    let instances = run(&hub, &["instances", "--format", "csv"]).await;
    assert!(instances.out.lines().nth(1).is_some_and(|line| line.starts_with("shop,shop-")), "{}", instances.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_drawn() {
    let (hub, _instance) = shop(1).await;
    let found = run(&hub, &["query", "SELECT call_id FROM calls", "--format", "csv"]).await;
    let id = found.out.lines().nth(1).expect("a call").trim().to_owned();
    let drawn = run(&hub, &["tree", &id]).await;
    assert_eq!(drawn.out, "▸ shop::pricing::quote(sku: \"A0\") → 0  500ns\n", "{drawn:?}");
    let none = run(&hub, &["tree", "0123456789abcdef"]).await;
    assert_eq!(none.code, Some(1));
    assert!(none.err.contains("GH2007"), "{}", none.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_follows_over_a_restart() {
    let (mut hub, instance) = shop(1).await;
    let mut command = glasshull();
    command.args(["tail", "pricing::*", "--limit", "2", "--format", "ndjson"]);
    command.env("GLASSHULL_HUB", format!("http://{}", hub.address()));
    let child = Typed::start(&mut command);
    let listens = async |hub: &TestHub| (hub.metric("glasshull_listeners").await == 1.0).then_some(());
    eventually("it listens", async || listens(&hub).await).await;
    let call = |sequence: u64| Calls {
        function: "shop::pricing::quote".into(),
        started_at_ns: hub.clock.now_ns(),
        first_id: sequence * 100,
    };
    let (first, second) = (call(2).batch(2, 1), call(3).batch(3, 1));
    let mut instance = instance;
    instance.send(to_hub::Message::Batch(first)).await;
    assert_eq!(instance.ack().await, Some(2));
    // What is acknowledged is stored; a listener is told of it a moment later, and a hub that stops tells nobody.
    let (child, first) = aside(child, |mut child| {
        let line = child.line();
        (child, line)
    })
    .await;
    assert!(first.starts_with('{'), "{first}");
    hub.restart().await;
    eventually("it listens again", async || listens(&hub).await).await;
    let (mut again, _) = TestInstance::welcomed_as(hub.address(), instance.said.clone()).await;
    again.send(to_hub::Message::Batch(second)).await;
    let ran = aside(child, Typed::end).await;
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 1), "{ran:?}");
    assert!(ran.err.contains("The hub is back"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_call_themselves_cannot_steer_the_terminal() {
    let hub = TestHub::start().await;
    let mut instance = hub.instance("evil\u{1b}[2J\u{9b}31m\u{202e}").await;
    instance.announce(&["f\u{1b}]0;owned\u{7}"]).await;
    eventually("its function is known", async || (hub.metric("glasshull_functions").await == 1.0).then_some(())).await;
    for words in
        [&["functions"][..], &["instances"], &["functions", "--format", "json"], &["instances", "--format", "ndjson"]]
    {
        let ran = run(&hub, words).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let steering = ran.out.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(steering, None, "{words:?}: {:?}", ran.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_failure() {
    let (hub, _instance) = shop(9_000).await;
    let mut command = glasshull();
    command.args(["query", "SELECT * FROM calls", "--format", "ndjson"]);
    command.env("GLASSHULL_HUB", format!("http://{}", hub.address()));
    let (line, ran) = aside(Typed::start(&mut command), |mut child| {
        let line = child.line();
        child.stop_reading();
        (line, child.end())
    })
    .await;
    assert!(line.starts_with('{'), "{line}");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_finds_a_hub_well_and_says_what_is_missing() {
    let (hub, _instance) = shop(1).await;
    let well = run(&hub, &["doctor", "--service", "shop", "--format", "ndjson"]).await;
    assert_eq!(well.code, Some(0), "{well:?}");
    let findings: Vec<Value> = well.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of =
        |what: &str| findings.iter().find(|finding| finding["what"] == what).unwrap_or(&Value::Null)["verdict"].clone();
    for what in ["hub", "disk", "key", "version", "session", "instances"] {
        assert_eq!(of(what), "ok", "{what}: {}", well.out);
    }
    let missing = run(&hub, &["doctor", "--service", "warehouse"]).await;
    assert_eq!(missing.code, Some(1));
    assert!(missing.out.contains("No instance of the service `warehouse`") && missing.out.contains("GLASSHULL_HUB"));
}

#[test]
fn a_hub_that_is_not_there_is_told_with_what_to_do() {
    for words in [&["probes"][..], &["tail"], &["trace", "f"]] {
        let ran = ran(glasshull().args(words).args(["--hub", "http://127.0.0.1:9"]));
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{words:?}");
        assert!(ran.err.contains("GH5004") && ran.err.contains("glasshull up"), "{}", ran.err);
    }
    let doctor = ran(glasshull().args(["doctor", "--hub", "http://127.0.0.1:9"]));
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.out.contains("FAIL  hub"), "{}", doctor.out);
}

#[test]
fn wrong_usage_is_2_and_help_has_examples() {
    for wrong in [&["trcae"][..], &[], &["query"], &["probes", "--format", "xml"], &["tree", "--siblings"]] {
        let ran = ran(glasshull().args(wrong));
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{wrong:?}");
    }
    for command in ["up", "trace", "untrace", "query", "tree", "tail"] {
        let ran = ran(glasshull().args([command, "--help"]));
        assert_eq!(ran.code, Some(0));
        assert!(ran.out.contains("Examples:"), "{command}: {}", ran.out);
    }
}
