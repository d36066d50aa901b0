//! What the hub counts, for Prometheus. `docs/metrics.md` is made of the help texts here.

use std::fmt;

use glasshull_api::answers::Drops;
use glasshull_api::{Code, Failure};
use glasshull_store::{StoreStats, TIMING_BOUNDS_NS, Timing};
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// What the text of [`Metrics::render`] is.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of a statement's duration, in seconds.
const STATEMENT_BOUNDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

/// Counted where it happens.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) sessions_opened: Counter,
    pub(crate) sessions_closed: Family<Ending, Counter>,
    pub(crate) connections_refused: Counter,
    pub(crate) messages: Counter,
    pub(crate) message_bytes: Counter,
    pub(crate) functions_refused: Counter,
    pub(crate) probe_reports_refused: Counter,
    pub(crate) statements: Family<Kind, Counter>,
    pub(crate) statement_seconds: Histogram,
    pub(crate) tail_skipped: Counter,
    refusals: Family<CodeLabel, Counter>,
}

/// Why a session ended.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(crate) struct Ending {
    pub(crate) reason: &'static str,
}

/// A kind of statement.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(crate) struct Kind {
    pub(crate) kind: &'static str,
}

/// Why calls were lost.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Reason {
    reason: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct CodeLabel {
    code: &'static str,
}

/// How many there are of what comes and goes, at one instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) instances: u64,
    pub(crate) functions: u64,
    pub(crate) probes: u64,
    pub(crate) cut_back_probes: u64,
    pub(crate) listeners: u64,
    pub(crate) connections: u64,
    pub(crate) batch_bytes_under_way: u64,
    pub(crate) drops: Drops,
    pub(crate) failed_tasks: u64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            sessions_opened: Counter::default(),
            sessions_closed: Family::default(),
            connections_refused: Counter::default(),
            messages: Counter::default(),
            message_bytes: Counter::default(),
            functions_refused: Counter::default(),
            probe_reports_refused: Counter::default(),
            statements: Family::default(),
            statement_seconds: Histogram::new(STATEMENT_BOUNDS),
            tail_skipped: Counter::default(),
            refusals: Family::default(),
        }
    }

    /// Counts a refusal by its code.
    pub(crate) fn refused(&self, failure: &Failure) {
        let code = failure.known_code().unwrap_or(Code::Internal).text();
        self.refusals.get_or_create(&CodeLabel { code }).inc();
    }

    /// All of it as OpenMetrics text.
    pub(crate) fn render(&self, store: &StoreStats, gauges: Gauges) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("glasshull");
        self.register_own(&mut registry);
        register_gauges(&mut registry, &gauges);
        register_ingest(&mut registry, store);
        register_journal(&mut registry, store);
        register_rows(&mut registry, store);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }

    fn register_own(&self, to: &mut Registry) {
        to.register("sessions_opened", "SDK sessions that were welcomed", self.sessions_opened.clone());
        to.register("sessions_closed", "SDK sessions that ended, by reason", self.sessions_closed.clone());
        to.register("connections_refused", "TCP connections above max-connections", self.connections_refused.clone());
        to.register("session_messages", "Messages from instances", self.messages.clone());
        to.register_with_unit(
            "session_message",
            "Bytes of messages from instances",
            Unit::Bytes,
            self.message_bytes.clone(),
        );
        to.register("functions_refused", "Announced functions beyond the limits", self.functions_refused.clone());
        let reports = self.probe_reports_refused.clone();
        to.register("probe_reports_refused", "Reports on probes that too many instances report on", reports);
        to.register("statements", "Statements carried out or refused, by kind", self.statements.clone());
        to.register_with_unit("statement", "Time a statement took", Unit::Seconds, self.statement_seconds.clone());
        to.register("tail_skipped_calls", "Calls not shown by tails that could not follow", self.tail_skipped.clone());
        to.register("refusals", "What was refused, by failure code (docs/failures)", self.refusals.clone());
    }
}

fn register_gauges(to: &mut Registry, is: &Gauges) {
    gauge(to, "instances", "Instances that are connected", is.instances);
    gauge(to, "functions", "Traceable functions of the connected instances", is.functions);
    gauge(to, "probes", "Probes that run", is.probes);
    gauge(to, "cut_back_probes", "Probes that a governor lets capture less, as they cost too much", is.cut_back_probes);
    gauge(to, "listeners", "Clients that follow /live or /tail", is.listeners);
    gauge(to, "connections", "Open TCP connections", is.connections);
    let help = "Calls the connected instances lost since they started, by reason; inside_values: left out, not lost";
    to.register("dropped_calls", help, by_reason(&is.drops));
    gauge(to, "failed_tasks", "Background tasks that ended by a fault; restart the hub", is.failed_tasks);
    bytes(to, "batches_under_way", "Bytes of batches on their way to the disk", is.batch_bytes_under_way);
}

fn by_reason(drops: &Drops) -> Family<Reason, Gauge> {
    let gauges = Family::<Reason, Gauge>::default();
    for (reason, calls) in drops.by_reason() {
        gauges.get_or_create(&Reason { reason: reason.replace(' ', "_") }).set(calls as i64);
    }
    gauges
}

fn register_ingest(to: &mut Registry, is: &StoreStats) {
    counter(to, "stored_batches", "Batches stored and acknowledged", is.appended_batches);
    counter(to, "stored_calls", "Calls stored and acknowledged", is.appended_calls);
    let received = ConstCounter::new(is.appended_bytes);
    to.register_with_unit("stored", "Bytes of stored batches, as received", Unit::Bytes, received);
    counter(to, "repeated_batches", "Batches that were stored already", is.repeated_batches);
    counter(to, "invalid_batches", "Batches refused because they contradict themselves", is.refused_invalid);
    counter(to, "future_batches", "Batches refused because they lie in the future", is.refused_ahead);
    counter(to, "busy_batches", "Batches refused because there was no room", is.refused_busy);
    counter(
        to,
        "unwritable_batches",
        "Batches refused because the journal could not be written",
        is.refused_unwritable,
    );
}

fn register_journal(to: &mut Registry, is: &StoreStats) {
    bytes(to, "journal", "Bytes of journal files that are not published", is.journal_bytes);
    gauge(to, "journal_files", "Journal files that are not published", is.journal_files);
    gauge(to, "journal_writable", "1 if the last write to the journal succeeded", u64::from(is.journal_writable));
    let help = "1 if calls are acknowledged before they are on the disk: a power cut loses the last second of them";
    gauge(to, "journal_relaxed", help, u64::from(is.is_relaxed));
    let written = ConstCounter::new(is.journal_written_bytes);
    to.register_with_unit("journal_written", "Bytes written to the journal", Unit::Bytes, written);
    counter(to, "journal_lost_files", "Journal files given up after a failed write or sync", is.journal_lost_files);
    counter(to, "journal_corrupt_records", "Journal records found damaged at start", is.corrupt_records);
    to.register_with_unit("journal_sync", "Time a sync of the journal took", Unit::Seconds, Timed(is.fsyncs));
}

fn register_rows(to: &mut Registry, is: &StoreStats) {
    gauge(to, "live_calls", "Calls that are not yet in a segment", is.live_calls);
    bytes(to, "live", "Memory of live calls and of batches on their way there", is.live_bytes);
    gauge(to, "running_calls", "Calls that have not ended", is.running_calls);
    counter(to, "running_dropped_calls", "Running calls forgotten because there are too many", is.running_dropped);
    gauge(to, "segments", "Segments", is.segments);
    bytes(to, "segment", "Bytes of the segments", is.segment_bytes);
    gauge(to, "segment_calls", "Calls in segments", is.segment_calls);
    gauge(
        to,
        "unknown_segments",
        "Segments found at start that the catalog does not know (docs/failures/GH4002.md)",
        is.unknown_segments,
    );
    let doubted = u64::from(is.clock_doubted);
    gauge(to, "clock_doubted", "1 if the clock stands far ahead of when retention ran last: it deletes less", doubted);
    counter(to, "segments_expired", "Segments deleted by retention", is.expired_segments);
    counter(to, "publish_failures", "Publications that failed and are tried again", is.publish_failures);
    to.register_with_unit("publish", "Time a publication took", Unit::Seconds, Timed(is.publishes));
    register_merges(to, is);
}

fn register_merges(to: &mut Registry, is: &StoreStats) {
    counter(to, "segments_merged", "Segments that became part of larger ones", is.merged_segments);
    let bytes = [
        ("merge_read", "Bytes of the segments that were merged", is.merge_read_bytes),
        ("merge_written", "Bytes of the segments that were made of them", is.merge_written_bytes),
    ];
    for (name, help, counted) in bytes {
        to.register_with_unit(name, help, Unit::Bytes, ConstCounter::new(counted));
    }
    counter(to, "merge_failures", "Merges that failed", is.merge_failures);
    gauge(
        to,
        "unmergeable_segments",
        "Segments that cannot be merged: damaged ones, or two that are too large for memory",
        is.unmergeable_segments,
    );
    to.register_with_unit("merge", "Time a merge took, rests included", Unit::Seconds, Timed(is.merges));
}

fn gauge(to: &mut Registry, name: &str, help: &str, value: u64) {
    to.register(name, help, ConstGauge::new(value as i64));
}

fn bytes(to: &mut Registry, name: &str, help: &str, value: u64) {
    to.register_with_unit(name, help, Unit::Bytes, ConstGauge::new(value as i64));
}

fn counter(to: &mut Registry, name: &str, help: &str, value: u64) {
    to.register(name, help, ConstCounter::new(value));
}

/// A timing the store took, as a histogram.
#[derive(Debug)]
struct Timed(Timing);

impl EncodeMetric for Timed {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let seconds = |ns: u64| ns as f64 / 1e9;
        let bounds = TIMING_BOUNDS_NS.iter().map(|&ns| seconds(ns)).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.0.buckets).collect();
        encoder.encode_histogram::<NoLabelSet>(seconds(self.0.sum_ns), self.0.count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");

    fn rendered() -> String {
        let metrics = Metrics::new();
        metrics.refused(&Failure::new(Code::WireMalformed, "x"));
        metrics.sessions_closed.get_or_create(&Ending { reason: "goodbye" }).inc();
        metrics.statements.get_or_create(&Kind { kind: "sql" }).inc();
        metrics.render(&StoreStats::default(), Gauges::default()).expect("a text")
    }

    /// `# HELP name text` and `# TYPE name kind`, as a table.
    fn page() -> String {
        let text = rendered();
        let mut page = String::from(
            "# Metrics\n\nWhat a hub tells Prometheus on `/metrics` (with the key, where it has one). Counters end in \
            `_total`.\n\n| name | kind | what |\n| --- | --- | --- |\n",
        );
        for line in text.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
            let (name, help) = line.split_once(' ').expect("a help text");
            let kind = text.lines().find_map(|line| line.strip_prefix(&format!("# TYPE {name} "))).expect("a type");
            let suffix = if kind == "counter" { "_total" } else { "" };
            page += &format!("| `{name}{suffix}` | {kind} | {help} |\n");
        }
        page
    }

    #[test]
    fn the_page_about_metrics_is_fresh() {
        let page = page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(PAGE, &page).expect("docs can be written");
        }
        let committed = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert!(committed == page, "docs/metrics.md is stale: run this test with UPDATE=1");
    }

    #[test]
    fn refusals_are_counted_by_code() {
        assert!(rendered().contains("glasshull_refusals_total{code=\"GH1001\"} 1"), "{}", rendered());
    }

    #[test]
    fn a_timing_is_a_histogram_with_cumulative_buckets() {
        let mut timing = Timing { count: 3, sum_ns: 3_000_000, ..Timing::default() };
        timing.buckets[0] = 1;
        timing.buckets[1] = 2;
        let stats = StoreStats { fsyncs: timing, ..StoreStats::default() };
        let text = Metrics::new().render(&stats, Gauges::default()).expect("a text");
        assert!(text.contains("glasshull_journal_sync_seconds_bucket{le=\"0.00025\"} 3"), "{text}");
        assert!(text.contains("glasshull_journal_sync_seconds_bucket{le=\"+Inf\"} 3"), "{text}");
    }
}
