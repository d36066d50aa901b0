use glasshull_catalog::{CatalogError, DoomedObject, Merge, Publication, SegmentRow};

use super::Backend;
use super::segments::{publication, segment};

fn merge(inputs: &[&str], path: &str) -> Merge {
    let output = SegmentRow { calls: 5 * inputs.len() as u64, ..segment(path, 10) };
    Merge { hub: "h1".into(), at_ns: 70, inputs: inputs.iter().map(|&path| path.into()).collect(), output }
}

fn doomed(path: &str, at_ns: i64, unfinished: bool) -> DoomedObject {
    DoomedObject { path: path.into(), hub: "h1".into(), at_ns, unfinished }
}

/// Four segments, the last of another window.
async fn publish(catalog: &Backend) {
    let segments = vec![segment("a", 10), segment("b", 10), segment("c", 10), segment("d", 20)];
    catalog.publish(&Publication { segments, ..publication(4) }).await.unwrap();
}

async fn paths(catalog: &Backend) -> Vec<String> {
    catalog.segments().await.unwrap().into_iter().map(|segment| segment.path).collect()
}

pub(crate) async fn a_merge_happens_whole(catalog: Backend) {
    publish(&catalog).await;
    catalog.doom(&doomed("m", 60, true)).await.unwrap();
    assert_eq!(catalog.doomed("h1").await.unwrap(), [doomed("m", 60, true)]);
    let merged = merge(&["a", "c"], "m");
    assert!(catalog.merge(&merged).await.unwrap());
    assert_eq!(catalog.segments().await.unwrap(), [segment("b", 10), merged.output, segment("d", 20)]);
    assert_eq!(catalog.doomed("h1").await.unwrap(), [doomed("a", 70, false), doomed("c", 70, false)]);
    assert_eq!(catalog.published("h1").await.unwrap().checkpoint, 4);
    // What was merged is merged again, and expires as any other.
    assert!(
        catalog
            .merge(&Merge { output: SegmentRow { calls: 15, ..segment("n", 10) }, ..merge(&["m", "b"], "n") })
            .await
            .unwrap()
    );
    assert_eq!(paths(&catalog).await, ["n", "d"]);
    assert_eq!(catalog.expire(20, 40).await.unwrap().len(), 1);
    assert_eq!(paths(&catalog).await, ["d"]);
}

pub(crate) async fn a_merge_whose_segments_are_gone_changes_nothing(catalog: Backend) {
    publish(&catalog).await;
    let before = catalog.segments().await.unwrap();
    assert!(!catalog.merge(&merge(&["a", "x"], "m")).await.unwrap());
    assert!(!catalog.merge(&merge(&["x"], "m")).await.unwrap());
    assert_eq!((catalog.segments().await.unwrap(), catalog.doomed("h1").await.unwrap()), (before, vec![]));
}

pub(crate) async fn a_repeated_merge_changes_nothing(catalog: Backend) {
    publish(&catalog).await;
    let merged = merge(&["a", "b"], "m");
    assert!(catalog.merge(&merged).await.unwrap());
    catalog.forget_doomed(&["a".into(), "b".into()]).await.unwrap();
    assert!(catalog.merge(&Merge { at_ns: 90, ..merged }).await.unwrap());
    assert_eq!((paths(&catalog).await.len(), catalog.doomed("h1").await.unwrap()), (3, vec![]));
}

pub(crate) async fn a_merge_that_would_lose_calls_or_move_them_is_refused(catalog: Backend) {
    publish(&catalog).await;
    let fewer = merge(&["a", "b"], "m");
    let fewer = Merge { output: SegmentRow { calls: 9, ..fewer.output }, ..fewer };
    let moved = merge(&["a", "d"], "m");
    for refused in [fewer, moved, merge(&["a", "b"], "c"), merge(&["a", "b"], "d")] {
        assert!(matches!(catalog.merge(&refused).await.unwrap_err(), CatalogError::Damaged(_)));
        assert_eq!((paths(&catalog).await.len(), catalog.doomed("h1").await.unwrap()), (4, vec![]));
    }
}

pub(crate) async fn of_two_merges_of_the_same_segments_one_happens(catalog: Backend) {
    publish(&catalog).await;
    let tasks: Vec<_> = [merge(&["a", "b"], "m"), merge(&["b", "c"], "n"), merge(&["a", "b", "c"], "o")]
        .into_iter()
        .map(|merge| {
            let catalog = catalog.clone();
            tokio::spawn(async move { catalog.merge(&merge).await.unwrap() })
        })
        .collect();
    let mut happened = 0;
    for task in tasks {
        happened += u32::from(task.await.unwrap());
    }
    let calls: u64 = catalog.segments().await.unwrap().iter().map(|segment| segment.calls).sum();
    assert_eq!((happened, calls), (1, 20));
}

pub(crate) async fn what_is_doomed_is_known_until_it_is_deleted(catalog: Backend) {
    publish(&catalog).await;
    catalog.doom(&doomed("x", 60, true)).await.unwrap();
    catalog.doom(&doomed("w", 50, false)).await.unwrap();
    catalog.doom(&DoomedObject { hub: "h2".into(), ..doomed("y", 50, false) }).await.unwrap();
    catalog.doom(&doomed("a", 50, true)).await.unwrap();
    assert_eq!(
        catalog.doomed("h1").await.unwrap(),
        [doomed("w", 50, false), doomed("x", 60, true)],
        "never a segment's"
    );
    catalog.doom(&doomed("w", 80, true)).await.unwrap();
    assert_eq!(catalog.doomed("h1").await.unwrap(), [doomed("x", 60, true), doomed("w", 80, true)]);
    catalog.forget_doomed(&["x".into(), "nobody".into()]).await.unwrap();
    assert_eq!(catalog.doomed("h1").await.unwrap(), [doomed("w", 80, true)]);
    assert_eq!(catalog.doomed("h2").await.unwrap().len(), 1);
}
