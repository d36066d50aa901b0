use glasshull_catalog::{CatalogError, FunctionRow, InstanceId, Publication, Published, RunningCall, SegmentRow};

use super::Backend;

pub(crate) fn segment(path: &str, window_start_ns: i64) -> SegmentRow {
    SegmentRow {
        path: path.into(),
        window_start_ns,
        window_end_ns: window_start_ns + 10,
        min_started_at_ns: window_start_ns + 1,
        max_started_at_ns: window_start_ns + 9,
        calls: 5,
        bytes: 1_000,
        index: Some("1 900 16384 1 3 0f0f0f0f".into()),
        summary: None,
    }
}

fn running(call_id: u64, started_at_ns: i64) -> RunningCall {
    RunningCall { instance: InstanceId([1; 16]), call_id, started_at_ns, call: (0..=255).collect() }
}

pub(super) fn publication(checkpoint: u64) -> Publication {
    Publication { hub: "h1".into(), checkpoint, published_at_ns: 100, ..Publication::default() }
}

pub(crate) async fn a_hub_that_never_published_begins_at_nothing(catalog: Backend) {
    assert_eq!(catalog.published("h1").await.unwrap(), Published::default());
    assert_eq!(catalog.segments().await.unwrap(), []);
}

pub(crate) async fn a_publication_happens_whole(catalog: Backend) {
    let [a, b] = [segment("a", 20), segment("b", 10)];
    let sequences = vec![(InstanceId([1; 16]), 7), (InstanceId([0xfe; 16]), i64::MAX as u64)];
    let published = Publication {
        segments: vec![a.clone(), b.clone()],
        sequences: sequences.clone(),
        running: vec![running(u64::MAX, 3)],
        ..publication(4)
    };
    catalog.publish(&published).await.unwrap();
    assert_eq!(catalog.segments().await.unwrap(), [b.clone(), a.clone()]);
    let mut known = catalog.published("h1").await.unwrap();
    known.sequences.sort();
    assert_eq!(known, Published { checkpoint: 4, sequences, running: vec![running(u64::MAX, 3)] });
    // A segment of this name exists: nothing of the publication happens.
    let clash = Publication { segments: vec![segment("c", 30), segment("a", 30)], ..publication(5) };
    assert!(matches!(catalog.publish(&clash).await.unwrap_err(), CatalogError::Unavailable(_)));
    assert_eq!(catalog.segments().await.unwrap(), [b, a]);
    assert_eq!(catalog.published("h1").await.unwrap().checkpoint, 4);
}

pub(crate) async fn a_repeated_publication_changes_nothing(catalog: Backend) {
    let first = Publication { segments: vec![segment("a", 10)], running: vec![running(1, 3)], ..publication(4) };
    catalog.publish(&first).await.unwrap();
    catalog.publish(&first).await.unwrap();
    assert_eq!(catalog.segments().await.unwrap(), [segment("a", 10)]);
    assert_eq!(catalog.published("h1").await.unwrap().running, [running(1, 3)]);
}

pub(crate) async fn a_checkpoint_never_moves_back(catalog: Backend) {
    catalog.publish(&publication(4)).await.unwrap();
    let back = Publication { segments: vec![segment("a", 10)], ..publication(3) };
    assert!(matches!(catalog.publish(&back).await.unwrap_err(), CatalogError::Damaged(_)));
    assert_eq!(catalog.segments().await.unwrap(), []);
    assert_eq!(catalog.published("h1").await.unwrap().checkpoint, 4);
}

pub(crate) async fn a_sequence_never_goes_down(catalog: Backend) {
    for (checkpoint, sequence) in [(1, 5), (2, 3), (3, 8)] {
        let sequences = vec![(InstanceId([1; 16]), sequence)];
        catalog.publish(&Publication { sequences, ..publication(checkpoint) }).await.unwrap();
        let highest = catalog.published("h1").await.unwrap().sequences[0].1;
        assert_eq!(highest, sequence.max(5));
    }
    // They guard against a batch that is sent to another hub the second time.
    assert_eq!(catalog.published("h2").await.unwrap().sequences.len(), 1);
}

pub(crate) async fn a_sequence_is_known_as_long_as_any_of_its_calls(catalog: Backend) {
    for (checkpoint, published_at_ns) in [(1, 500), (2, 300)] {
        let sequences = vec![(InstanceId([1; 16]), checkpoint)];
        catalog.publish(&Publication { sequences, published_at_ns, ..publication(checkpoint) }).await.unwrap();
    }
    catalog.expire(500, 900).await.unwrap();
    assert_eq!(catalog.published("h1").await.unwrap().sequences, [(InstanceId([1; 16]), 2)]);
    catalog.expire(501, 900).await.unwrap();
    assert_eq!(catalog.published("h1").await.unwrap().sequences, []);
}

pub(crate) async fn running_calls_are_each_hubs_own(catalog: Backend) {
    for hub in ["h1", "h2"] {
        let running = vec![running(1, 3), running(2, 3)];
        catalog.publish(&Publication { hub: hub.into(), running, ..publication(1) }).await.unwrap();
    }
    catalog.publish(&Publication { running: vec![running(9, 3)], ..publication(2) }).await.unwrap();
    assert_eq!(catalog.published("h1").await.unwrap().running, [running(9, 3)]);
    assert_eq!(catalog.published("h2").await.unwrap().running.len(), 2);
    assert_eq!(catalog.published("h2").await.unwrap().checkpoint, 1);
}

pub(crate) async fn what_is_too_old_is_forgotten(catalog: Backend) {
    let published = Publication {
        segments: vec![segment("a", 10), segment("b", 20), segment("c", 30)],
        sequences: vec![(InstanceId([1; 16]), 7)],
        running: vec![running(1, 29), running(2, 30)],
        ..publication(4)
    };
    catalog.publish(&published).await.unwrap();
    let later = vec![(InstanceId([2; 16]), 8)];
    let running_on = published.running.clone();
    let later = Publication { published_at_ns: 200, sequences: later, running: running_on, ..publication(5) };
    catalog.publish(&later).await.unwrap();
    assert_eq!(catalog.expired_at_ns().await.unwrap(), None);
    let mut expired = catalog.expire(30, 40).await.unwrap();
    expired.sort_by_key(|segment| segment.window_start_ns);
    assert_eq!(expired, [segment("a", 10), segment("b", 20)]);
    assert_eq!(catalog.expire(30, 40).await.unwrap(), []);
    assert_eq!(catalog.segments().await.unwrap(), [segment("c", 30)]);
    let known = catalog.published("h1").await.unwrap();
    assert_eq!((known.running, known.sequences.len()), (vec![running(2, 30)], 2));
    assert_eq!(catalog.expired_at_ns().await.unwrap(), Some(40));
    catalog.expire(150, 160).await.unwrap();
    assert_eq!(catalog.expired_at_ns().await.unwrap(), Some(160));
    assert_eq!(catalog.published("h1").await.unwrap().sequences, [(InstanceId([2; 16]), 8)]);
    assert_eq!(catalog.published("h1").await.unwrap().checkpoint, 5);
}

pub(crate) async fn many_at_once_get_through(catalog: Backend) {
    let tasks: Vec<_> = (0..16u32)
        .map(|task| {
            let catalog = catalog.clone();
            tokio::spawn(async move {
                let function = FunctionRow { service: "shop".into(), line: task, ..FunctionRow::default() };
                catalog.put_functions(&[function], 1).await.unwrap();
                let hub = format!("h{task}");
                catalog.publish(&Publication { hub: hub.clone(), ..publication(3) }).await.unwrap();
                assert_eq!(catalog.published(&hub).await.unwrap().checkpoint, 3);
                catalog.segments().await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(catalog.functions(99).await.unwrap().len(), 16);
}
