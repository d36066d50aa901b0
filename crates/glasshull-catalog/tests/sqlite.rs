//! The suite, run against a SQLite file; and what only a file can get wrong.

#[macro_use]
mod suite;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use glasshull_catalog::sqlite::SqliteCatalog;
use glasshull_catalog::{Catalog, CatalogError, InstanceId, InstanceRow, ProbeCounts, Publication};

struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("catalog.sqlite")
    }
}

/// Runs each of the suite's tests against a new file.
macro_rules! run_suite {
    ($($test:ident)+) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            let file = File::new();
            suite::$test(Arc::new(SqliteCatalog::open(&file.path()).await.unwrap())).await;
        })+
    };
}

glasshull_catalog_tests!(run_suite);

#[tokio::test]
async fn a_catalog_keeps_its_content_when_it_is_opened_again() {
    let file = File::new();
    let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
    catalog.put_instance(&InstanceRow { service: "checkout".into(), ..InstanceRow::default() }).await.unwrap();
    catalog.close().await;
    let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
    assert_eq!(catalog.instances(0, 9).await.unwrap()[0].service, "checkout");
}

/// Catalogs as hubs left them, as statements, with a probe that ended and one that runs; and what that one had counted.
fn samples() -> [(&'static str, ProbeCounts); 5] {
    let first = ProbeCounts { captured: 40, skipped_by_sample: 3, ..ProbeCounts::default() };
    let with_costs = ProbeCounts { skipped_by_governor: 5, cpu_ns: 7, captured_bytes: 9, ..first };
    [
        (include_str!("../samples/catalog-2.sql"), first),
        (include_str!("../samples/catalog-3.sql"), with_costs),
        (include_str!("../samples/catalog-4.sql"), with_costs),
        (include_str!("../samples/catalog-5.sql"), with_costs),
        (include_str!("../samples/catalog-6.sql"), with_costs),
    ]
}

#[tokio::test]
async fn catalogs_of_older_versions_are_brought_up_to_date() {
    for (sample, counts) in samples() {
        let file = File::new();
        suite::restore(&file.path(), sample).await;
        let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
        let probes = catalog.probes(true, 9).await.unwrap();
        let told: Vec<_> = probes.iter().map(|probe| (probe.id.as_str(), probe.end.is_some())).collect();
        assert_eq!(told, [("p2", false), ("p1", true)]);
        assert_eq!(probes[0].counts, counts);
        let more = ProbeCounts { skipped_by_governor: 5, cpu_ns: 7, captured_bytes: 9, ..ProbeCounts::default() };
        let more = ProbeCounts { truncated_calls: 2, printed_values: 4, condition_ns: 6, ..more };
        catalog.count_probe("p2", &more).await.unwrap();
        assert_eq!(catalog.probes(false, 9).await.unwrap()[0].counts, counts.with(more, |a, b| a + b));
    }
}

#[tokio::test]
async fn where_a_journal_stands_is_read_from_before_there_were_checksums() {
    let file = File::new();
    suite::restore(&file.path(), include_str!("../samples/catalog-5.sql")).await;
    let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
    let published = catalog.published("hub-1").await.unwrap();
    assert_eq!((published.checkpoint, published.sequences), (7, vec![(InstanceId([1; 16]), 42)]));
}

#[tokio::test]
async fn a_checkpoint_or_a_sequence_that_a_disk_has_changed_is_noticed() {
    for change in [
        "UPDATE journals SET checkpoint = checkpoint + 64",
        "UPDATE journals SET checkpoint = checkpoint - 1",
        "UPDATE sequences SET sequence = sequence + 4096",
        "UPDATE sequences SET instance = '02010101010101010101010101010101'",
        "UPDATE sequences SET checksum = checksum + 1",
    ] {
        let file = File::new();
        let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
        let sequences = vec![(InstanceId([1; 16]), 5)];
        catalog.publish(&Publication { sequences, ..publication() }).await.unwrap();
        suite::change(&file.path(), change).await;
        let error = catalog.published("h1").await.unwrap_err();
        assert!(matches!(error, CatalogError::Damaged(_)), "{change}: {error}");
    }
}

#[tokio::test]
async fn segments_are_read_from_before_their_places_were_known() {
    let file = File::new();
    suite::restore(&file.path(), include_str!("../samples/catalog-6.sql")).await;
    let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
    let segments = catalog.segments().await.unwrap();
    assert_eq!((segments[0].calls, &segments[0].index, &segments[0].summary), (12, &None, &None));
}

#[tokio::test]
async fn what_stands_of_a_segment_that_a_disk_has_changed_is_noticed() {
    for change in [
        "UPDATE segments SET path = 'calls/other'",
        "UPDATE segments SET window_end_ns = window_end_ns - 1024",
        "UPDATE segments SET max_started_at_ns = 21",
        "UPDATE segments SET calls = 4",
        "UPDATE segments SET index_place = '1 901 16384 1 3 0f0f0f0f'",
        "UPDATE segments SET checksum = checksum + 1",
    ] {
        let file = File::new();
        let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
        let segments = vec![suite::segment("calls/one", 20)];
        catalog.publish(&Publication { segments, ..publication() }).await.unwrap();
        suite::change(&file.path(), change).await;
        let error = catalog.segments().await.unwrap_err();
        assert!(matches!(error, CatalogError::Damaged(_)), "{change}: {error}");
    }
}

#[tokio::test]
async fn a_catalog_of_a_newer_version_is_refused_untouched() {
    let file = File::new();
    let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
    catalog.close().await;
    suite::pretend_newer(&file.path()).await;
    let before = fs::read(file.path()).unwrap();
    let error = SqliteCatalog::open(&file.path()).await.unwrap_err();
    assert!(matches!(&error, CatalogError::Newer(version) if version == "9000"), "{error}");
    assert_eq!(fs::read(file.path()).unwrap(), before);
    assert_eq!(fs::read_dir(file.folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_catalog_is_refused_untouched() {
    let file = File::new();
    fs::write(file.path(), "not a database, but longer than the header of one, which has a hundred bytes".repeat(9))
        .unwrap();
    let before = fs::read(file.path()).unwrap();
    let error = SqliteCatalog::open(&file.path()).await.unwrap_err();
    assert!(matches!(error, CatalogError::Damaged(_)), "{error}");
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[tokio::test]
async fn a_catalog_where_none_can_be_is_unavailable() {
    let file = File::new();
    let error = SqliteCatalog::open(&file.folder.path().join("missing/catalog.sqlite")).await.unwrap_err();
    assert!(matches!(error, CatalogError::Unavailable(_)), "{error}");
}

fn publication() -> Publication {
    Publication { hub: "h1".into(), checkpoint: 3, ..Publication::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_is_locked_for_a_moment_is_waited_for() {
    let file = File::new();
    let catalog = Arc::new(SqliteCatalog::open(&file.path()).await.unwrap());
    let lock = suite::lock(&file.path()).await;
    let publishing = tokio::spawn({
        let catalog = catalog.clone();
        async move { catalog.publish(&publication()).await }
    });
    // Reading goes on meanwhile, and sees nothing of it.
    assert_eq!(catalog.published("h1").await.unwrap().checkpoint, 0);
    assert!(!publishing.is_finished());
    lock.commit().await.unwrap();
    publishing.await.unwrap().unwrap();
    assert_eq!(catalog.published("h1").await.unwrap().checkpoint, 3);
}

/// It takes the ten seconds for which a transaction waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_stays_locked_is_unavailable_and_unchanged_and_later_well_again() {
    let file = File::new();
    let catalog = SqliteCatalog::open(&file.path()).await.unwrap();
    let lock = suite::lock(&file.path()).await;
    let error = catalog.publish(&publication()).await.unwrap_err();
    assert!(matches!(&error, CatalogError::Unavailable(why) if why.contains("locked")), "{error}");
    assert_eq!(catalog.published("h1").await.unwrap().checkpoint, 0);
    lock.rollback().await.unwrap();
    catalog.publish(&publication()).await.unwrap();
    assert_eq!(catalog.published("h1").await.unwrap().checkpoint, 3);
}
