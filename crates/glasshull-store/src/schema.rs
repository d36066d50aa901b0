//! The columns of the table `calls`: of live rows and of segments alike. Names and types are what users' queries and
//! foreign readers of the segments rely on.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// The columns of `calls`.
pub fn calls() -> SchemaRef {
    static CALLS: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(fields())));
    CALLS.clone()
}

/// Where `trace_id` stands.
pub const TRACE_ID: usize = 0;

/// Where `call_id` stands.
pub const CALL_ID: usize = 1;

/// Where `function` stands.
pub const FUNCTION: usize = 7;

/// Where `args`, `returned` and `error` stand: JSON.
pub const VALUES: [usize; 3] = [16, 17, 18];

/// Where `started_at` stands, by which segments are sorted.
pub const STARTED_AT: usize = 11;

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
        maybe("ended_at", timestamp()),
        number("duration_ns", DataType::Int64),
        number("busy_ns", DataType::Int64),
        text("outcome"),
        maybe("args", DataType::Utf8),
        maybe("returned", DataType::Utf8),
        maybe("error", DataType::Utf8),
        number("depth", DataType::UInt32),
        number("position", DataType::UInt32),
    ]
}
