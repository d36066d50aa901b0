//! Trees, drawn as text.

use glasshull_api::Code;
use glasshull_api::answers::{Tree, TreeColumns};

use crate::rig::{Rig, TestCall, call, lines};

/// One line a call: its level as indent, `*` where it is meant, `+n` for hidden children.
fn drawn(tree: &Tree) -> String {
    let line = |call: &glasshull_api::answers::TreeCall| {
        let indent = "· ".repeat(call.level as usize);
        let meant = if call.matched { "*" } else { "" };
        let hidden = if call.hidden_children > 0 { format!(" +{}", call.hidden_children) } else { String::new() };
        format!("{indent}{}{meant}{hidden}", call.call.function)
    };
    tree.calls.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A request through three services, and an unrelated one.
fn request() -> Vec<TestCall> {
    vec![
        call("web::checkout", 0xa1).by("web").at(0),
        call("web::cart", 0xa2).by("web").from(0xa1).at(1).depth(1),
        call("web::pay", 0xa3).by("web").from(0xa1).at(5).depth(1),
        call("pricing::quote", 0xb1).by("pricing").from(0xa2).at(2).depth(2).args(r#"{"sku":"x"}"#),
        call("pricing::tax", 0xb2).by("pricing").from(0xb1).at(3).depth(3),
        call("pricing::round", 0xb3).by("pricing").from(0xb1).at(4).depth(3),
        call("bank::charge", 0xc1).by("bank").from(0xa3).at(6).depth(2).failed("no card"),
        call("web::other", 0xd1).of(2).by("web").at(0),
    ]
}

async fn rig() -> Rig {
    let rig = Rig::new().await;
    let (first, second) = (request(), request());
    rig.append(&first[..4]).await;
    rig.publish().await;
    rig.append(&second[4..]).await;
    rig
}

#[track_caller]
fn check(tree: Result<Tree, glasshull_api::Failure>, expected: &str) {
    let tree = tree.unwrap();
    assert_eq!(tree.partial, None);
    assert_eq!(drawn(&tree), lines(expected));
}

const WHOLE: &str = "
    web::checkout*
    · web::cart
    · · pricing::quote
    · · · pricing::tax
    · · · pricing::round
    · web::pay
    · · bank::charge";

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_id_shows_the_whole_trace_across_services() {
    let rig = rig().await;
    check(rig.tree("TREE 00000000000000000000000000000001").await, WHOLE);
    check(rig.tree("TREE 00000000000000000000000000000002").await, "web::other*");
    check(
        rig.tree("TREE 00000000000000000000000000000001 DESCENDANTS 1").await,
        "web::checkout*
         · web::cart +1
         · web::pay +1",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_id_shows_the_call_with_what_is_asked_for_around_it() {
    let rig = rig().await;
    check(
        rig.tree("TREE 00000000000000b1").await,
        "pricing::quote*
         · pricing::tax
         · pricing::round",
    );
    check(
        rig.tree("TREE 00000000000000b1 ANCESTORS").await,
        "web::checkout +1
         · web::cart
         · · pricing::quote* +2",
    );
    check(
        rig.tree("TREE 00000000000000b1 ANCESTORS 1 DESCENDANTS").await,
        "web::cart
         · pricing::quote*
         · · pricing::tax
         · · pricing::round",
    );
    check(
        rig.tree("TREE 00000000000000a3 SIBLINGS").await,
        "web::cart +1
         web::pay* +1",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_query_keep_their_hierarchy() {
    let rig = rig().await;
    check(
        rig.tree("TREE OF (SELECT call_id FROM calls WHERE function LIKE 'pricing::%' OR outcome = 'error') ANCESTORS")
            .await,
        "web::checkout
         · web::cart
         · · pricing::quote*
         · · · pricing::tax*
         · · · pricing::round*
         · web::pay
         · · bank::charge*",
    );
    check(
        rig.tree("TREE OF (SELECT call_id FROM calls WHERE function IN ('web::checkout', 'pricing::tax')) SIBLINGS")
            .await,
        "web::checkout* +2
         · pricing::tax*
         · pricing::round",
    );
    for found in ["SELECT call_id FROM calls WHERE args->>'sku' = 'x'", "FIND x", "FIND 'x' SINCE 10000d"] {
        check(
            rig.tree(&format!("TREE OF ({found}) DESCENDANTS 1")).await,
            "pricing::quote*\n· pricing::tax\n· pricing::round",
        );
    }
    check(rig.tree("TREE OF (SELECT trace_id FROM calls WHERE outcome = 'error')").await, WHOLE);
    check(rig.tree("TREE OF (SELECT call_id FROM calls WHERE FALSE)").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_s_beginning_is_enough_where_it_names_one() {
    let rig = Rig::new().await;
    rig.append(&[
        call("a", 0xabcdef01_00000001).of(0x11111111_00000000_00000000_00000001),
        call("b", 0xabcdef02_00000001).of(0x22222222_00000000_00000000_00000001),
        call("c", 0xabcdef02_00000002).of(0x22222222_00000000_00000000_00000001).at(1),
    ])
    .await;
    rig.publish().await;
    check(rig.tree("TREE abcdef01").await, "a*");
    check(rig.tree("TREE ABCDEF01").await, "a*");
    check(rig.tree("TREE 222222").await, "b*\nc*");
    check(rig.tree("TREE 1111111100000000000000").await, "a*");
    let failure = rig.tree("TREE abcdef02").await.unwrap_err();
    assert_eq!(failure.known_code(), Some(Code::StatementMeaning));
    assert_eq!(failure.message, "Several ids begin with abcdef02: abcdef0200000001, abcdef0200000002.");
    let failure = rig.tree("TREE 999999").await.unwrap_err();
    assert_eq!(failure.known_code(), Some(Code::NotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_whose_parent_was_not_captured_are_tops_of_their_own() {
    let rig = Rig::new().await;
    rig.append(&[
        call("a", 1).from(77).at(0),
        call("b", 2).from(77).at(1),
        call("c", 3).from(88).at(2),
        call("d", 4).from(1).at(3),
    ])
    .await;
    check(rig.tree("TREE 00000000000000000000000000000001").await, "a*\n· d\nb*\nc*");
    check(rig.tree("TREE 0000000000000001 SIBLINGS").await, "a* +1\nb");
}

#[tokio::test(flavor = "multi_thread")]
async fn rings_and_repeated_ids_are_shown_once() {
    let rig = Rig::new().await;
    rig.append(&[
        call("ring::a", 1).from(3).at(0),
        call("ring::b", 2).from(1).at(1),
        call("ring::c", 3).from(2).at(2),
        call("own::parent", 4).from(4).at(3),
        call("twice", 5).at(4),
        call("twice", 5).at(5),
    ])
    .await;
    let tree = rig.tree("TREE 00000000000000000000000000000001").await.unwrap();
    let mut functions: Vec<&str> = tree.calls.iter().map(|call| call.call.function.as_str()).collect();
    functions.sort_unstable();
    assert_eq!(functions, ["own::parent", "ring::a", "ring::b", "ring::c", "twice", "twice"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_has_its_limit_and_keeps_what_is_nearest_to_the_root() {
    let rig = Rig::with(|settings| settings.max_tree_calls = 100).await;
    let deep: Vec<_> = (1..=5_000_u64)
        .map(|id| if id == 1 { call("f", 1) } else { call("f", id).from(id - 1).at(id as i64).depth(id as u32) })
        .collect();
    rig.append(&deep).await;
    rig.publish().await;
    let tree = rig.tree("TREE 00000000000000000000000000000001").await.unwrap();
    assert_eq!(tree.calls.len(), 100);
    assert_eq!(tree.calls[99].level, 99);
    assert_eq!(tree.calls[99].hidden_children, 1);
    assert_eq!(tree.partial.as_deref(), Some("There are 4900 more calls than the 100 shown."));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_values_are_bounded_too() {
    let rig = Rig::with(|settings| settings.max_answer_bytes = 100_000).await;
    let value = format!("{{\"a\":\"{}\"}}", "x".repeat(10_000));
    rig.append(&(1..=50).map(|id| call("f", id).args(&value)).collect::<Vec<_>>()).await;
    let tree = rig.tree("TREE 00000000000000000000000000000001").await.unwrap();
    assert!(tree.calls.len() < 10, "{}", tree.calls.len());
    assert!(tree.partial.unwrap().starts_with("The tree is too large"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_the_query_points_into_the_statement() {
    let rig = rig().await;
    let failure = rig.tree("TREE OF (\n  SELECT call_idd FROM calls)").await.unwrap_err();
    let position = failure.position.unwrap();
    assert_eq!((position.line, position.column, position.length), (2, 10, 8), "{failure}");
    assert_eq!(failure.hint.as_deref(), Some("Did you mean call_id?"));
}

/// The same calls as columns say: level, id, function, service, outcome, how long, where in time, what is hidden.
fn told(columns: &TreeColumns) -> Vec<String> {
    let mut start_ns = 0;
    let count = columns.level.len();
    let lengths = [columns.call_ids.len() / 16, columns.function.len(), columns.outcomes.len(), columns.marks.len()];
    assert_eq!(lengths, [count; 4]);
    (0..count)
        .map(|at| {
            start_ns += columns.start_after_ns[at];
            let instance = &columns.instances[columns.instance[at] as usize];
            let function = &columns.functions[columns.function[at] as usize];
            let trace = columns.trace.get(at).copied().unwrap_or(0);
            format!(
                "{} {} {} {} {}:{} {} {} {start_ns} {} {} {}",
                columns.level[at],
                &columns.call_ids[16 * at..16 * at + 16],
                columns.traces[trace as usize],
                function.function,
                function.file,
                function.line,
                instance.service,
                instance.instance,
                columns.duration_ns[at],
                &columns.outcomes[at..=at],
                columns.hidden_children.get(at).copied().unwrap_or(0),
            )
        })
        .collect()
}

/// What they must say, by the calls.
fn expected(tree: &Tree) -> Vec<String> {
    let ns = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_nanosecond();
    let first = tree.calls.iter().map(|call| ns(&call.call.started_at)).min().unwrap_or(0);
    let line = |shown: &glasshull_api::answers::TreeCall| {
        let call = &shown.call;
        let outcome = if call.outcome == "running" { "u" } else { &call.outcome[..1] };
        format!(
            "{} {} {} {} {}:{} {} {} {} {} {outcome} {}",
            shown.level,
            call.call_id,
            call.trace_id,
            call.function,
            call.file,
            call.line,
            call.service,
            call.instance,
            ns(&call.started_at) - first,
            call.duration_ns,
            shown.hidden_children,
        )
    };
    tree.calls.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_say_what_the_calls_say() {
    let rig = rig().await;
    rig.append(&[call("web::hangs", 0xe1).by("web").from(0xa1).at(7).depth(1).running()]).await;
    for statement in [
        "TREE 00000000000000000000000000000001",
        "TREE 00000000000000b1 ANCESTORS SIBLINGS",
        "TREE OF (SELECT trace_id FROM calls)",
        "TREE OF (SELECT call_id FROM calls WHERE function IN ('web::checkout', 'pricing::tax')) SIBLINGS",
        "TREE OF (SELECT call_id FROM calls WHERE false)",
        "TREE OF (SELECT function FROM calls)",
    ] {
        let (tree, columns) = (rig.tree(statement).await.unwrap(), rig.tree_columns(statement).await.unwrap());
        assert_eq!(told(&columns), expected(&tree), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_mark_what_was_asked_for_and_what_is_missing_above() {
    let rig = Rig::new().await;
    rig.append(&[
        call("a", 1).at(0),
        call("b", 2).from(1).at(1),
        call("c", 3).from(2).at(2),
        call("d", 4).from(99).at(3),
    ])
    .await;
    let marks = async |statement: &str| rig.tree_columns(statement).await.unwrap().marks;
    assert_eq!(marks("TREE 00000000000000000000000000000001").await, "1003");
    let some = "TREE OF (SELECT call_id FROM calls WHERE function IN ('a', 'c')) SIBLINGS";
    assert_eq!(marks(some).await, "15");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_hold_what_no_answer_of_calls_does() {
    let rig = Rig::with(|settings| settings.max_tree_calls = 100).await;
    let wide: Vec<_> = (1..=5_000_u64)
        .map(|id| if id == 1 { call("f", 1) } else { call("g", id).from(1).at(id as i64).depth(1) })
        .collect();
    rig.append(&wide).await;
    let columns = rig.tree_columns("TREE 00000000000000000000000000000001").await.unwrap();
    assert_eq!((columns.level.len(), columns.functions.len(), columns.partial), (5_000, 2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_within_all_questions_memory() {
    let rig = Rig::with(|settings| settings.all_memory_bytes = 2 << 20).await;
    for part in 0..10_u64 {
        let calls: Vec<_> = (1..=2_000).map(|id| call("f", part * 2_000 + id).at(id as i64)).collect();
        rig.append(&calls).await;
    }
    let failure = rig.tree_columns("TREE 00000000000000000000000000000001").await.unwrap_err();
    assert_eq!(failure.known_code(), Some(Code::QueryMemory), "{failure}");
}
