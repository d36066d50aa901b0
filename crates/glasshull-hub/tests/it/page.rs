//! The page: there or not, nothing else may run in it.

use glasshull_testkit::TestHub;

#[tokio::test(flavor = "multi_thread")]
async fn views_are_the_page_and_missing_files_are_not() {
    let hub = TestHub::start().await;
    for view in ["/", "/functions", "/trace/4f8e1c7a"] {
        let answer = hub.http().get(view).await;
        assert_eq!(answer.status, 200, "{view}");
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{}", answer.head);
        assert!(answer.text().contains("Glasshull"));
    }
    for missing in ["/assets/gone-1234.js", "/gone.css", "/favicon.gone", "/../Cargo.toml", "/assets/../../Cargo.toml"]
    {
        let answer = hub.http().get(missing).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "GH3003"), "{missing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_foreign_runs_in_the_page() {
    let hub = TestHub::start().await;
    let answer = hub.http().get("/").await;
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).expect("scripts");
    assert_eq!(scripts.trim(), "script-src 'self'");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control").unwrap_or("no-cache"), "no-cache");
}
