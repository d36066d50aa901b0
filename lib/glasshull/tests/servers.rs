//! Contexts in HTTP headers, and the layer that takes them from there.

mod hub;

use std::convert::Infallible;

use glasshull::builder;
use glasshull::propagation::{extract, inject};
use glasshull::tower::TraceContextLayer;
use http::{HeaderMap, Request, Response};
use hub::{PATIENCE, TestHub, draw, probe};
use tower::{Layer as _, ServiceExt as _};

#[glasshull::trace]
async fn storefront(sku: &str) -> u32 {
    tokio::task::yield_now().await;
    let mut request = Request::new(sku.to_owned());
    inject(request.headers_mut());
    // The other side begins with nothing but the headers, as another process does.
    let answer = tokio::spawn(glasshull::context::FutureExt::in_context(server(request), elsewhere()));
    answer.await.unwrap()
}

/// A context without a place in any trace, of the same agent.
fn elsewhere() -> glasshull::Context {
    glasshull::Context::default().with_agent_of(&glasshull::Context::current())
}

async fn server(request: Request<String>) -> u32 {
    let service = tower::service_fn(|request: Request<String>| async move {
        Ok::<_, Infallible>(Response::new(pricing(request.into_body()).await))
    });
    TraceContextLayer.layer(service).oneshot(request).await.unwrap().into_body()
}

#[glasshull::trace]
async fn pricing(sku: String) -> u32 {
    tokio::task::yield_now().await;
    sku.len() as u32
}

#[tokio::test]
async fn the_tree_goes_on_behind_a_request() {
    let hub = TestHub::start();
    let agent = builder().hub(hub.url()).service("test").start().unwrap();
    hub.probe(vec![probe("storefront"), probe("pricing")]);
    let context = agent.context();
    let answer = glasshull::context::FutureExt::in_context(storefront("HAT"), context).await;
    assert_eq!(answer, 3);
    assert!(agent.flush(PATIENCE));
    let drawn = draw(&hub.state().ended());
    assert_eq!(drawn, "\nstorefront {\"sku\":\"HAT\"} -> 3\n    pricing {\"sku\":\"HAT\"} -> 3\n");
}

#[test]
fn another_tracers_headers_give_their_trace_and_nothing_else() {
    let mut headers = HeaderMap::new();
    let not_sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    headers.insert("traceparent", not_sampled.parse().unwrap());
    let context = extract(&headers);
    assert!(!context.is_captured());
    // Its sampling is not our decision.
    assert_eq!(context.traceparent(), None);
    headers.insert("tracestate", "other=1,glasshull=d:2".parse().unwrap());
    assert!(extract(&headers).traceparent().is_some_and(|header| header.ends_with("-00")));
}

#[test]
fn hostile_headers_give_an_empty_context() {
    for (traceparent, tracestate) in [(&b"\xFF\xFE"[..], &b"\xFF"[..]), (b"00-0-0-0", b"glasshull=d:-1"), (b"", b"")] {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", http::HeaderValue::from_bytes(traceparent).unwrap());
        headers.insert("tracestate", http::HeaderValue::from_bytes(tracestate).unwrap());
        let context = extract(&headers);
        assert!(!context.is_captured() && context.traceparent().is_none());
    }
}
