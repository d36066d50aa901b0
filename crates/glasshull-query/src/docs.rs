//! What each table and column means, for completion, help and `SHOW TABLES`. A test holds it against the tables.

use glasshull_api::answers::{ColumnDoc, ColumnKind, Schema, TableDoc};
use glasshull_api::statement;

use ColumnKind::{Boolean, Duration, Json, Number, Text, Time};

/// A table: its name, what it holds, its columns.
type Table = (&'static str, &'static str, &'static [(&'static str, ColumnKind, &'static str)]);

/// All tables.
const TABLES: [Table; 6] = [
    ("calls", "One row for each captured call, also of those that run.", CALLS),
    ("traces", "One row for each trace: a tree of calls under one root, across services.", TRACES),
    ("functions", "The functions that can be traced, whether or not they ever were.", FUNCTIONS),
    ("services", "The programs whose functions or instances are known.", SERVICES),
    ("instances", "The processes that are or were connected.", INSTANCES),
    ("probes", "The orders to capture, and how each goes.", PROBES),
];

const CALLS: &[(&str, ColumnKind, &str)] = &[
    ("trace_id", Text, "The tree of calls it belongs to, across services: 32 hexadecimal digits."),
    ("call_id", Text, "16 hexadecimal digits."),
    ("parent_id", Text, "The call it was made from; null for a root."),
    ("service", Text, "The program's name."),
    ("instance", Text, "The process, as people call it."),
    ("class", Text, "The instance's group."),
    ("release", Text, "The version that ran."),
    ("function", Text, "The function's path, such as pricing::quote."),
    ("file", Text, "Where the function is defined."),
    ("line", Number, "Where in the file."),
    ("thread", Text, "The thread it began on."),
    ("started_at", Time, "When it began."),
    ("ended_at", Time, "When it ended; null while it runs."),
    ("duration_ns", Duration, "How long it took, in nanoseconds; while it runs, so far."),
    ("busy_ns", Duration, "The part of the duration in which an async call was being polled, in nanoseconds."),
    ("outcome", Text, "returned, error, panicked, cancelled or running."),
    ("args", Json, "The arguments, an object by name: args->>'sku'."),
    ("returned", Json, "The returned value: returned->'total'."),
    ("error", Json, "The error or panic, an object: error->>'message'."),
    ("depth", Number, "Captured calls above it, up to the root."),
    ("position", Number, "Its place among the captured calls of its parent, from 0."),
];

const TRACES: &[(&str, ColumnKind, &str)] = &[
    ("trace_id", Text, "32 hexadecimal digits, as in calls."),
    ("started_at", Time, "When its first call began."),
    ("duration_ns", Duration, "From its first call's start to its last call's end, in nanoseconds."),
    ("service", Text, "The program of its root, or of its topmost captured call."),
    ("function", Text, "The function of its root, or of its topmost captured call."),
    ("outcome", Text, "How its root ended, or its topmost captured call."),
    ("calls", Number, "Captured calls."),
    ("services", Number, "Programs it passed through."),
    ("errors", Number, "Calls that returned an error or panicked."),
    ("running", Number, "Calls that have not ended."),
];

const FUNCTIONS: &[(&str, ColumnKind, &str)] = &[
    ("service", Text, "The program it is part of."),
    ("function", Text, "Its path, such as pricing::quote."),
    ("file", Text, "Where it is defined."),
    ("line", Number, "Where in the file."),
    ("arguments", Text, "The names of its arguments."),
    ("is_async", Boolean, "Whether it is an async function."),
    ("instances", Number, "Connected instances that have it."),
    ("probes", Text, "The running probes that match it."),
];

const SERVICES: &[(&str, ColumnKind, &str)] = &[
    ("service", Text, "The program's name."),
    ("instances", Number, "Its connected instances."),
    ("functions", Number, "Its functions that can be traced."),
    ("classes", Text, "The classes of its connected instances."),
    ("releases", Text, "The releases of its connected instances."),
];

const INSTANCES: &[(&str, ColumnKind, &str)] = &[
    ("id", Text, "The process, 32 hexadecimal digits."),
    ("service", Text, "The program's name."),
    ("instance", Text, "What people call it, as in calls."),
    ("class", Text, "Its group."),
    ("release", Text, "The version that runs."),
    ("host", Text, "The machine it runs on."),
    ("pid", Number, "The process's number there."),
    ("sdk", Text, "What captures there, with version."),
    ("tags", Json, "Further selectors for ON key=value, an object."),
    ("started_at", Time, "When it started."),
    ("connected", Boolean, "Whether it is connected now."),
    ("since", Time, "When it last connected or left."),
    ("functions", Number, "Its functions that can be traced."),
    ("dropped_ring_full", Number, "Calls lost there because a thread's ring was full."),
    ("dropped_buffer_full", Number, "Calls lost there because the hub did not acknowledge fast enough."),
    ("dropped_no_ring", Number, "Calls lost there because there was no memory for a ring."),
    ("dropped_refused", Number, "Calls lost there because the hub refused their batch."),
    ("dropped_open_full", Number, "Calls lost there because more were under way than can be held."),
    ("dropped_unclaimed", Number, "Calls lost there because their probe was gone for long when they were read."),
    ("dropped_inside_values", Number, "Calls by the code of captured values (Serialize, Debug): left out, not lost."),
    ("buffered_bytes", Number, "Bytes it holds that the hub has not acknowledged."),
    ("cpu_share", Number, "What capturing took of the CPU time it may use, in the last second: 0.01 is 1 %."),
    ("cpu_budget", Number, "What capturing may take of it, such a share; 0: no limit."),
];

const PROBES: &[(&str, ColumnKind, &str)] = &[
    ("id", Text, "Short, such as p7."),
    ("statement", Text, "The statement that made it."),
    ("patterns", Text, "Which functions."),
    ("selectors", Text, "Which instances."),
    ("condition", Text, "Which of their calls; null: all."),
    ("owner", Text, "Who made it."),
    ("created_at", Time, "When."),
    ("expires_at", Time, "When it ends by itself."),
    ("ended_at", Time, "When it ended; null while it runs."),
    ("max_calls", Number, "How many calls it may capture, over all instances."),
    ("max_calls_per_second", Number, "How many on each instance."),
    ("sample_one_in", Number, "Of how many requests one is captured."),
    ("capture", Text, "How much of each value it captures, such as 200 ITEMS; null: as usual."),
    ("state", Text, "pending, active, no_match, limited, expired, suspended or stopped."),
    ("reason", Text, "Why."),
    ("instances", Number, "Instances that have it."),
    ("functions", Number, "Functions it matches."),
    ("captured", Number, "Calls it captured."),
    ("calls_left", Number, "Calls it may still capture, over all instances; 0 once it has ended."),
    ("skipped_by_sample", Number, "Requests it left out by SAMPLE."),
    ("skipped_by_rate", Number, "Requests it left out by RATE."),
    ("skipped_by_condition", Number, "Calls it left out by WHERE."),
    (
        "undecided",
        Number,
        "Calls among them for which WHERE could not be decided: what it asks for was withheld or cut.",
    ),
    ("skipped_by_governor", Number, "Requests left out as capturing would have cost more than its budget."),
    ("truncated_calls", Number, "Captured calls in which a value was cut at a limit (CAPTURE)."),
    (
        "failed_values",
        Number,
        "Captured calls in which a value could not be captured: its own code failed or panicked.",
    ),
    ("printed_values", Number, "Captured calls with a value that is the text of its Debug: redaction sees no fields."),
    ("printed_at", Text, "Where such a text was met first: crate::module::name(argument)."),
    ("costliest_instance", Text, "The connected instance where it took most CPU time in the last second."),
    ("cpu_share", Number, "What it took there, of the CPU time the process may use: 0.01 is 1 %."),
    ("cpu_budget", Number, "What all probes together may take there, such a share; 0: no limit."),
    ("cpu_left", Number, "What all probes together left of it; null where there is no limit."),
    ("governor_one_in", Number, "Of how many requests the governor lets one in, where it lets in fewest; 1: each."),
    ("cut_back_instances", Number, "Connected instances where the governor lets in fewer than each."),
    ("cpu_ns", Duration, "CPU time it took so far, over all instances, in nanoseconds."),
    ("condition_ns", Duration, "Time its condition took of that."),
    ("captured_bytes", Number, "Bytes of the values of its calls, as instances hold them, over all instances."),
];

/// The tables SQL can ask and the statements beyond SQL, with their documentation.
pub fn schema() -> Schema {
    Schema { tables: TABLES.iter().map(table).collect(), statements: statement::docs() }
}

fn table((name, doc, columns): &Table) -> TableDoc {
    let column = |(name, kind, doc): &(&str, ColumnKind, &str)| ColumnDoc {
        name: (*name).into(),
        kind: *kind,
        doc: (*doc).into(),
    };
    TableDoc { name: (*name).into(), doc: (*doc).into(), columns: columns.iter().map(column).collect() }
}

/// The names of all tables.
pub(crate) fn table_names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(name, ..)| *name)
}
