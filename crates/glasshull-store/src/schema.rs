//! The columns of the table `calls`, and of the rows from which it is made. Names and types are what users' queries and
//! foreign readers of the segments rely on.
//!
//! Rows, live and in segments, hold what cannot be computed, and of a text that stands in many rows they hold one copy:
//! [`rows`]. The table shows them as people ask for them: [`calls`].

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// The columns of the table `calls`.
pub fn calls() -> SchemaRef {
    static CALLS: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(fields())));
    CALLS.clone()
}

/// The columns of live rows: those of [`calls`] of the same names, the texts that repeat as dictionaries ([`named`]). In
/// place of `ended_at`, which is `started_at + duration_ns` of a call that has ended, and of `busy_ns`, which is
/// `duration_ns - idle_ns`, there is [`IDLE_NS`]. Segments have the same columns, dictionaries as Parquet has them.
pub fn rows() -> SchemaRef {
    static ROWS: LazyLock<SchemaRef> = LazyLock::new(|| {
        let rows =
            fields().into_iter().filter(|field| field.name() != ENDED_AT).map(|field| match field.name().as_str() {
                BUSY_NS => field.with_name(IDLE_NS),
                name if NAMES.contains(&name) => field.with_data_type(named()),
                _ => field,
            });
        Arc::new(Schema::new(rows.collect::<Vec<_>>()))
    });
    ROWS.clone()
}

/// What only the table has: when a call ended; null while it runs.
pub const ENDED_AT: &str = "ended_at";

/// What only the table has: how long a call was polled.
pub const BUSY_NS: &str = "busy_ns";

/// What only rows have: how long an async call was not polled, in nanoseconds.
pub const IDLE_NS: &str = "idle_ns";

/// Texts that stand in many rows.
const NAMES: [&str; 9] =
    ["trace_id", "service", "instance", "class", "release", "function", "file", "thread", "outcome"];

/// The type of texts that stand in many rows.
pub fn named() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Where columns of [`rows`] stand.
pub mod row {
    /// `trace_id`
    pub const TRACE_ID: usize = 0;
    /// `call_id`
    pub const CALL_ID: usize = 1;
    /// `service`
    pub const SERVICE: usize = 3;
    /// `function`
    pub const FUNCTION: usize = 7;
    /// `started_at`
    pub const STARTED_AT: usize = 11;
    /// `duration_ns`
    pub const DURATION_NS: usize = 12;
    /// [`super::IDLE_NS`]
    pub const IDLE_NS: usize = 13;
    /// `outcome`
    pub const OUTCOME: usize = 14;
    /// `args`, `returned` and `error`: JSON.
    pub const VALUES: [usize; 3] = [15, 16, 17];
    /// How many there are.
    pub const COLUMNS: usize = 20;
}

/// Where `trace_id` stands.
pub const TRACE_ID: usize = 0;

/// Where `call_id` stands.
pub const CALL_ID: usize = 1;

/// Where `service` stands.
pub const SERVICE: usize = 3;

/// Where `function` stands.
pub const FUNCTION: usize = 7;

/// Where `args`, `returned` and `error` stand: JSON.
pub const VALUES: [usize; 3] = [16, 17, 18];

/// Where `started_at` stands, by which segments are sorted.
pub const STARTED_AT: usize = 11;

/// Where `duration_ns` stands.
pub const DURATION_NS: usize = 13;

/// Where `outcome` stands.
pub const OUTCOME: usize = 15;

/// The type of times.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn fields() -> Vec<Field> {
    let text = |name| Field::new(name, DataType::Utf8, false);
    let maybe = |name, of| Field::new(name, of, true);
    let number = |name, of| Field::new(name, of, false);
    vec![
        text("trace_id"),
        text("call_id"),
        maybe("parent_id", DataType::Utf8),
        text("service"),
        text("instance"),
        text("class"),
        text("release"),
        text("function"),
        text("file"),
        number("line", DataType::UInt32),
        text("thread"),
        number("started_at", timestamp()),
        maybe(ENDED_AT, timestamp()),
        number("duration_ns", DataType::Int64),
        number(BUSY_NS, DataType::Int64),
        text("outcome"),
        maybe("args", DataType::Utf8),
        maybe("returned", DataType::Utf8),
        maybe("error", DataType::Utf8),
        number("depth", DataType::UInt32),
        number("position", DataType::UInt32),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_where_their_numbers_say() {
        let names =
            |schema: SchemaRef, at: &[usize]| at.iter().map(|&at| schema.field(at).name().clone()).collect::<Vec<_>>();
        let [args, returned, error] = VALUES;
        let table = [TRACE_ID, CALL_ID, SERVICE, FUNCTION, STARTED_AT, OUTCOME, args, returned, error];
        let expected =
            ["trace_id", "call_id", "service", "function", "started_at", "outcome", "args", "returned", "error"];
        assert_eq!(names(calls(), &table), expected);
        let [args, returned, error] = row::VALUES;
        let of_rows = [
            row::TRACE_ID,
            row::CALL_ID,
            row::SERVICE,
            row::FUNCTION,
            row::STARTED_AT,
            row::OUTCOME,
            args,
            returned,
            error,
        ];
        assert_eq!(names(rows(), &of_rows), expected);
        assert_eq!(rows().fields().len(), row::COLUMNS);
        assert_eq!(names(calls(), &[DURATION_NS]), ["duration_ns"]);
        assert_eq!(names(rows(), &[row::DURATION_NS, row::IDLE_NS]), ["duration_ns", "idle_ns"]);
    }
}
