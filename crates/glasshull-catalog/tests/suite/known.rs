use std::collections::BTreeMap;

use glasshull_catalog::{CatalogError, FunctionRow, InstanceId, InstanceRow, ProbeEnd, ProbeRow, Publication};

use super::Backend;

fn instance(id: u8, connected_at_ns: i64) -> InstanceRow {
    InstanceRow {
        id: InstanceId([id; 16]),
        service: "checkout".into(),
        instance: "host:1".into(),
        class: "blue".into(),
        release: "1.2.3".into(),
        host: "host".into(),
        pid: u32::MAX,
        sdk: "glasshull-rust 0.1.0".into(),
        tags: BTreeMap::from([("zone".into(), "ä'\"".into())]),
        started_at_ns: -5,
        connected_at_ns,
        left_at_ns: None,
    }
}

pub(crate) async fn an_instance_is_replaced_by_what_is_known_later(catalog: Backend) {
    let first = instance(0xff, 10);
    catalog.put_instance(&first).await.unwrap();
    assert_eq!(catalog.instances(0, 9).await.unwrap(), [first]);
    let later = InstanceRow { left_at_ns: Some(30), class: String::new(), tags: BTreeMap::new(), ..instance(0xff, 20) };
    catalog.put_instance(&later).await.unwrap();
    assert_eq!(catalog.instances(0, 9).await.unwrap(), [later]);
}

pub(crate) async fn instances_come_newest_first_and_no_more_than_asked_for(catalog: Backend) {
    for (id, at_ns) in [(1, 10), (2, 30), (3, 20)] {
        catalog.put_instance(&instance(id, at_ns)).await.unwrap();
    }
    let ids = |rows: Vec<InstanceRow>| rows.iter().map(|row| row.id.0[0]).collect::<Vec<_>>();
    assert_eq!(ids(catalog.instances(0, 9).await.unwrap()), [2, 3, 1]);
    assert_eq!(ids(catalog.instances(20, 9).await.unwrap()), [2, 3]);
    assert_eq!(ids(catalog.instances(0, 1).await.unwrap()), [2]);
    assert_eq!(ids(catalog.instances(0, usize::MAX).await.unwrap()), [2, 3, 1]);
    assert_eq!(ids(catalog.instances(31, 9).await.unwrap()), Vec::<u8>::new());
}

fn function(service: &str, path: &str, line: u32) -> FunctionRow {
    FunctionRow {
        service: service.into(),
        path: path.into(),
        file: "src/main.rs".into(),
        line,
        arguments: vec!["sku".into(), "quantity".into()],
        is_async: true,
    }
}

pub(crate) async fn functions_come_by_service_and_path_and_only_once(catalog: Backend) {
    let [b, a, other] = [function("shop", "b", 2), function("shop", "a", 1), function("bank", "z", 9)];
    catalog.put_functions(&[b.clone(), a.clone()], 1).await.unwrap();
    catalog.put_functions(&[b.clone(), other.clone()], 1).await.unwrap();
    catalog.put_functions(&[], 1).await.unwrap();
    assert_eq!(catalog.functions(9).await.unwrap(), [other.clone(), a, b]);
    assert_eq!(catalog.functions(1).await.unwrap(), std::slice::from_ref(&other));
    let changed = FunctionRow { arguments: vec!["account".into()], is_async: false, ..other };
    catalog.put_functions(std::slice::from_ref(&changed), 1).await.unwrap();
    assert_eq!(catalog.functions(1).await.unwrap(), [changed]);
}

pub(crate) async fn a_text_beyond_its_limit_is_refused(catalog: Backend) {
    let long = || "x".repeat(1 << 20);
    let too_long = |error| matches!(error, CatalogError::TooLong { .. });
    let instance = InstanceRow { service: long(), ..instance(1, 1) };
    assert!(too_long(catalog.put_instance(&instance).await.unwrap_err()));
    let functions = [function("shop", "a", 1), FunctionRow { path: long(), ..function("shop", "b", 1) }];
    assert!(too_long(catalog.put_functions(&functions, 1).await.unwrap_err()));
    assert_eq!(catalog.functions(9).await.unwrap(), [], "all or nothing");
    let probe = ProbeRow { statement: long(), ..ProbeRow::default() };
    assert!(too_long(catalog.add_probe(&probe).await.unwrap_err()));
    assert_eq!(catalog.add_probe(&ProbeRow::default()).await.unwrap(), "p1", "the refused one took no number");
}

pub(crate) async fn what_was_not_heard_of_for_long_or_is_too_much_is_forgotten(catalog: Backend) {
    let running = catalog.add_probe(&ProbeRow::default()).await.unwrap();
    for at_ns in 1..=6 {
        let id = at_ns as u8;
        catalog.put_instance(&instance(id, at_ns)).await.unwrap();
        catalog.put_functions(&[function("shop", "f", u32::from(id))], at_ns).await.unwrap();
        let sequences = vec![(InstanceId([id; 16]), 7)];
        let publication = Publication {
            hub: "h1".into(),
            checkpoint: at_ns as u64,
            published_at_ns: at_ns,
            sequences,
            ..Publication::default()
        };
        catalog.publish(&publication).await.unwrap();
        let end = ProbeEnd { at_ns, ..ProbeEnd::default() };
        catalog.add_probe(&ProbeRow { end: Some(end), ..ProbeRow::default() }).await.unwrap();
    }
    // An instance that is heard of again is as new as that.
    catalog.put_functions(&[function("shop", "f", 1)], 9).await.unwrap();
    let left = async |catalog: &Backend| {
        let functions: Vec<u32> = catalog.functions(9).await.unwrap().iter().map(|function| function.line).collect();
        let published = catalog.published("h1").await.unwrap().sequences.len();
        let probes = catalog.probes(true, 9).await.unwrap().len();
        (catalog.instances(0, 9).await.unwrap().len(), functions, published, probes)
    };
    catalog.forget(1, usize::MAX).await.unwrap();
    assert_eq!(left(&catalog).await, (6, vec![1, 2, 3, 4, 5, 6], 6, 7));
    catalog.forget(3, usize::MAX).await.unwrap();
    assert_eq!(left(&catalog).await, (4, vec![1, 3, 4, 5, 6], 4, 5));
    catalog.forget(3, 2).await.unwrap();
    assert_eq!(left(&catalog).await, (3, vec![1, 5, 6], 3, 4), "about two of each, and the probe that runs");
    assert_eq!(catalog.probes(false, 9).await.unwrap()[0].id, running);
}
