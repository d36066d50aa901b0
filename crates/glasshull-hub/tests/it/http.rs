//! HTTP: what is wrong is told with a code, whatever it is.

use glasshull_hub::SettingsLayer;
use glasshull_hub::limits::MAX_BODY_BYTES;
use glasshull_testkit::{PATIENCE, TestHub};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const STATEMENTS: &str = "/api/v1/statements";

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_wrong_are_refused() {
    let hub = TestHub::start().await;
    let wrong: [&[u8]; 11] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"{\"statement\": 1}",
        b"{\"statement\": null}",
        b"{\"statement\": \"SELECT 1\", \"max_rows\": -1}",
        b"{\"statement\": \"SELECT 1\", \"max_rows\": \"9\"}",
        b"{\"statement\": \"SELECT 1\", \"maxrows\": 9}",
        b"{\"statement\": \"\xff\xfe\"}",
    ];
    for body in wrong {
        let answer = hub.http().post(STATEMENTS, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "GH3001"), "{}", String::from_utf8_lossy(body));
    }
    let deep = "[".repeat(200_000);
    assert_eq!(hub.http().post(STATEMENTS, deep.as_bytes()).await.code(), "GH3001");
}

#[tokio::test(flavor = "multi_thread")]
async fn huge_bodies_are_refused() {
    let hub = TestHub::start().await;
    let huge = json!({ "statement": "x".repeat(MAX_BODY_BYTES) }).to_string();
    let answer = hub.http().post(STATEMENTS, huge.as_bytes()).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "GH3002"));
    let long = json!({ "statement": format!("SELECT {}", "1+".repeat(50_000)) }).to_string();
    let answer = hub.http().post(STATEMENTS, long.as_bytes()).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "GH2001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_is_taken() {
    let hub = TestHub::start().await;
    let body = b"{\"statement\": \"UNTRACE ALL\"}";
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        let answer = hub.http().with("content-type", kind).post(STATEMENTS, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "GH3001"), "{kind}");
    }
    let answer = hub.http().with("content-type", "application/json; charset=utf-8").post(STATEMENTS, body).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_are_wrong_are_400_with_a_position() {
    let hub = TestHub::start().await;
    for (statement, line, column) in [
        ("SELEC 1", 1, 1),
        ("TRACE pricing::*\n  FRO 60s", 2, 3),
        ("TRACE", 1, 6),
        ("UNTRACE", 1, 8),
        ("TREE xyz", 1, 6),
        ("SHOW NOTHING", 1, 6),
        ("", 1, 1),
    ] {
        let answer = hub.http().statement(statement).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "GH2001"), "{statement}: {}", answer.text());
        let position = &answer.json()["error"]["position"];
        assert_eq!((&position["line"], &position["column"]), (&json!(line), &json!(column)), "{statement}");
    }
    assert_eq!(hub.http().statement("DROP TABLE calls").await.code(), "GH2003");
    assert_eq!(hub.http().statement("TRACE f FOR 25h").await.code(), "GH2008");
    let hint = hub.http().statement("TRACE f FRO 60s").await.json()["error"]["hint"].clone();
    assert_eq!(hint, "Did you mean FOR?");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_told_in_json() {
    let hub = TestHub::start().await;
    for path in
        ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nope", "/api/v2/statements", "/api/v1/probes/p1", "/sdk/v2"]
    {
        let answer = hub.http().get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "GH3003"), "{path}");
    }
    let answer = hub.http().send("DELETE", "/api/v1/probes", b"").await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "GH3001"));
    let answer = hub.http().get("/sdk/v1").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "GH3001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn query_strings_that_are_wrong_are_refused() {
    let hub = TestHub::start().await;
    for query in
        ["max_per_second=0", "max_per_second=1001", "max_per_second=x", "colour=red", "function=", "max_per_second=-1"]
    {
        let answer = hub.http().get(&format!("/api/v1/tail?{query}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "GH3001"), "{query}");
    }
    assert_eq!(hub.http().get("/api/v1/tail?probe=p9").await.code(), "GH2007");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_hosts_and_other_sites_are_kept_out_where_there_is_no_key() {
    let hub = TestHub::start().await;
    for path in ["/api/v1/status", "/metrics", "/", "/healthz"] {
        let answer = hub.http().with("host", "evil.example").get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "GH1003"), "{path}");
    }
    let body = b"{\"statement\": \"UNTRACE ALL\"}";
    let answer = hub.http().with("origin", "http://evil.example").post(STATEMENTS, body).await;
    assert_eq!(answer.status, 401);
    let own = format!("http://{}", hub.address());
    assert_eq!(hub.http().with("origin", &own).post(STATEMENTS, body).await.status, 200);
    assert!(hub.metric("glasshull_refusals_total{code=\"GH1003\"}").await >= 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_key_the_api_asks_for_it_and_the_page_does_not() {
    let layer = SettingsLayer { key: Some("secret".parse().expect("a key")), ..SettingsLayer::default() };
    let hub = TestHub::start_with(layer).await;
    for path in ["/api/v1/status", "/api/v1/live", "/metrics", "/api/v1/nope"] {
        let answer = hub.http().get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "GH1003"), "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(hub.http().with_key("secret").get("/api/v1/status").await.status, 200);
    assert_eq!(hub.http().with_key("secreT").get("/api/v1/status").await.status, 401);
    for open in ["/", "/healthz", "/readyz"] {
        assert_eq!(hub.http().get(open).await.status, 200, "{open}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_is_cut_off() {
    let hub = TestHub::start().await;
    let endless = [b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ".as_slice(), &vec![b'a'; 1 << 20]].concat();
    let answer = hub.http().send_bytes(&endless).await;
    assert_eq!(answer.status, 431, "{}", answer.head);
    let mut slow = hub.http().open("/healthz").await;
    slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.expect("it can be sent");
    let mut all = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut all)).await.expect("the hub gives up on it").ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_described_by_the_document() {
    let hub = TestHub::start().await;
    let document = hub.http().get("/api/v1/openapi.json").await.json();
    for path in ["functions", "instances", "probes", "schema", "status"] {
        let described = &document["paths"][format!("/api/v1/{path}")]["get"]["responses"]["200"];
        let reference = described["content"]["application/json"]["schema"]["$ref"].as_str().expect("a schema");
        let name = reference.rsplit('/').next().expect("a name");
        let required = document["components"]["schemas"][name]["required"].as_array().cloned().unwrap_or_default();
        let answer = hub.http().get(&format!("/api/v1/{path}")).await;
        assert_eq!(answer.status, 200, "{path}");
        for field in required {
            assert!(answer.json().get(field.as_str().expect("a name")).is_some(), "{path} lacks {field}");
        }
    }
}
