use std::pin::pin;
use std::time::Duration;

use futures::{FutureExt, poll};
use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_store::SystemClock;

use super::*;

fn order(statement: &str) -> Trace {
    match parse(statement) {
        Ok(Statement::Trace(trace)) => trace,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_whose_maker_went_away_is_made_or_not_and_ended_or_not_but_nothing_in_between() {
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = SqliteCatalog::open(&folder.path().join("catalog.sqlite")).await.expect("a catalog");
    let catalog: Arc<dyn Catalog> = Arc::new(catalog);
    let probes = Arc::new(Probes::load(catalog.clone(), Arc::new(SystemClock)).await.expect("probes"));
    // Each goes away a little later than the one before.
    for patience in 0..60 {
        let (trace, untrace) =
            (probes.trace("TRACE f", order("TRACE f"), "me"), Untrace::Probe(format!("p{patience}")));
        let (mut made, mut ended) = (pin!(trace.fuse()), pin!(probes.untrace(&untrace).fuse()));
        for _ in 0..patience {
            let _ = (poll!(made.as_mut()), poll!(ended.as_mut()));
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
    }
    probes.finished().await;
    let kept = catalog.probes(false, MAX_PROBES).await.expect("rows");
    let kept: Vec<String> = kept.into_iter().rev().map(|row| row.id).collect();
    let known: Vec<String> = probes.orders().into_iter().map(|(id, _)| id).collect();
    assert!(!kept.is_empty());
    assert_eq!(known, kept);
}
