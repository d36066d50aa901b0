//! Requests and answers of the HTTP API.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// `POST /api/v1/statements`: one statement, SQL or one of Glasshull's own.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementRequest {
    /// At most 64 KiB.
    pub statement: String,
    /// At most so many rows; the hub's own limit where it is absent or larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<u32>,
    /// How `TREE` is answered; other statements pass over it.
    #[serde(default, skip_serializing_if = "TreeForm::is_calls")]
    pub tree: TreeForm,
}

/// How a `TREE` is answered.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TreeForm {
    /// A [`Tree`]: every call whole.
    #[default]
    Calls,
    /// [`TreeColumns`]: what can be drawn of a million calls, without their values.
    Columns,
}

impl TreeForm {
    fn is_calls(&self) -> bool {
        *self == Self::Calls
    }
}

/// What a statement answers.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StatementAnswer {
    /// `SELECT`, `SHOW`, `EXPLAIN`, `DESCRIBE`.
    Rows(Rows),
    /// `TREE`.
    Tree(Tree),
    /// `TREE`, asked for as columns.
    TreeColumns(Box<TreeColumns>),
    /// `TRACE`: the new probe; `UNTRACE`: the probes it ended.
    Probes(Probes),
}

/// `POST /api/v1/differences`: what distinguishes some rows from the others.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DifferenceRequest {
    /// A `SELECT` whose rows are compared, by all its columns and what their JSON holds.
    pub statement: String,
    /// A condition on its columns: which of its rows are selected.
    pub selected: String,
}

/// What distinguishes the selected rows from the rest.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Differences {
    /// Selected rows.
    pub selected: u64,
    /// The others.
    pub rest: u64,
    /// The surest first; what chance explains is left out.
    pub differences: Vec<Difference>,
    /// What was not compared, where something was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    pub elapsed_ms: f64,
}

/// Something that holds for another share of the selected rows than of the rest.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct Difference {
    /// A column, or a path into its JSON: `args.order.coupon`.
    pub key: String,
    /// The value, a bound (`≥ 40`, `< 7`), or `is there`.
    pub value: String,
    /// The same as a condition in SQL.
    pub condition: String,
    /// Selected rows it holds for, and their share of all selected ones, from 0 to 1.
    pub selected: u64,
    pub selected_share: f64,
    /// Of the other rows the same.
    pub rest: u64,
    pub rest_share: f64,
    /// The difference of the shares lies between these with a confidence of 99.9 % (Newcombe 1998, method 10).
    pub low: f64,
    pub high: f64,
}

/// A table of values.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Rows {
    pub columns: Vec<Column>,
    /// One entry a row, one value a column.
    pub rows: Vec<Vec<Value>>,
    /// Why rows are missing, where some are: a limit that was met, a file that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    pub elapsed_ms: f64,
}

/// A column of an answer.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnKind,
}

/// How a column's values are to be shown and compared.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    Text,
    /// JSON numbers; integers beyond 2^53 are text.
    Number,
    /// RFC 3339 text.
    Time,
    /// Whole nanoseconds.
    Duration,
    Boolean,
    /// JSON text, to be parsed.
    Json,
}

/// A pruned tree of calls.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Tree {
    /// Depth first: a call stands before its children, children stand in order of their start.
    pub calls: Vec<TreeCall>,
    /// Why calls are missing, where some are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    pub elapsed_ms: f64,
}

/// One call in a [`Tree`].
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct TreeCall {
    /// Steps below the topmost call shown, from 0.
    pub level: u32,
    /// Whether the statement asked for this call itself rather than for its surroundings.
    pub matched: bool,
    /// Children that were captured but are not part of this answer.
    pub hidden_children: u32,
    #[serde(flatten)]
    pub call: Call,
}

/// A pruned tree of calls as columns, one entry a call, in the order of [`Tree::calls`]. What repeats is listed once. It has
/// no arguments, returned values and errors: these are asked for when a call is looked at, by its trace and id.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct TreeColumns {
    /// The first call's start, as RFC 3339 text.
    pub started_at: String,
    /// Different traces, as ids.
    pub traces: Vec<String>,
    /// Different functions.
    pub functions: Vec<TreeFunction>,
    /// Different instances.
    pub instances: Vec<TreeInstance>,
    /// Different threads, by name.
    pub threads: Vec<String>,
    /// The calls' ids, of 16 characters each, one behind the other.
    pub call_ids: String,
    /// Steps below the topmost call shown, from 0.
    pub level: Vec<u32>,
    /// Place among `traces`; empty where there is but one.
    pub trace: Vec<u32>,
    /// Place among `functions`.
    pub function: Vec<u32>,
    /// Place among `instances`.
    pub instance: Vec<u32>,
    /// Place among `threads`.
    pub thread: Vec<u32>,
    /// Nanoseconds from the start of the call before it in this list; for the first, from `started_at`.
    pub start_after_ns: Vec<i64>,
    pub duration_ns: Vec<u64>,
    /// A letter a call: `r`eturned, `e`rror, `p`anicked, `c`ancelled, `u` still under way.
    pub outcomes: String,
    /// A digit a call, the sum of 1: the statement asked for this call itself; 2: it was called by one that was not
    /// captured; 4: calls between it and the one above it are not part of this answer.
    pub marks: String,
    /// Children that were captured but are not part of this answer; empty where there are none at all.
    pub hidden_children: Vec<u32>,
    /// Why calls are missing, where some are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    pub elapsed_ms: f64,
}

/// A function in [`TreeColumns`].
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize, ToSchema)]
pub struct TreeFunction {
    pub function: String,
    pub file: String,
    pub line: u32,
}

/// An instance in [`TreeColumns`].
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize, ToSchema)]
pub struct TreeInstance {
    pub service: String,
    pub instance: String,
    pub class: String,
    pub release: String,
}

/// One execution of a function.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Call {
    pub trace_id: String,
    pub call_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    pub service: String,
    pub instance: String,
    pub class: String,
    pub release: String,
    pub function: String,
    pub file: String,
    pub line: u32,
    pub thread: String,
    pub started_at: String,
    /// Absent while the call runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    pub duration_ns: u64,
    pub busy_ns: u64,
    /// `returned`, `error`, `panicked`, `cancelled` or `running`.
    pub outcome: String,
    /// An object by argument name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Value>,
    /// An object with at least `message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    pub depth: u32,
    pub position: u32,
}

/// `GET /api/v1/probes`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Probes {
    /// The newest first.
    pub probes: Vec<Probe>,
}

/// An order to capture, and how it goes.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Probe {
    /// Short, such as `p7`.
    pub id: String,
    /// The statement that made it.
    pub statement: String,
    pub patterns: Vec<String>,
    /// `key=value` as after `ON`.
    pub selectors: Vec<Selector>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    pub owner: String,
    pub created_at: String,
    pub expires_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    pub max_calls: u64,
    pub max_calls_per_second: u32,
    pub sample_one_in: u32,
    /// How much of each value is captured.
    pub value_limits: ValueLimits,
    pub state: ProbeState,
    /// Why it is in this state, as a sentence.
    pub reason: String,
    /// Instances it was sent to, that have answered, and in which a function matches.
    pub instances: u32,
    /// Traceable functions that match, over all instances (each function counted once).
    pub functions: u32,
    pub captured: u64,
    /// Calls it may still capture, over all instances; 0 once it has ended.
    pub calls_left: u64,
    /// Calls not captured, by reason.
    pub skipped: Skipped,
    pub values: ProbeValues,
    pub cost: ProbeCost,
}

/// Captured calls with values that are not whole, over all instances. A call counts once, whatever many of its arguments,
/// its returned value and its error are so.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct ProbeValues {
    /// Calls in which a value was cut at a limit.
    pub truncated_calls: u64,
    /// Calls in which a value could not be captured: its own code failed, panicked or did not end.
    pub failed_values: u64,
    /// Calls with a value that is the text its type's `Debug` made: redaction sees no fields in such a text.
    pub printed_values: u64,
    /// Where a connected instance met such a text first: `crate::module::name(argument)`, or without `(..)` for what the
    /// function gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed_at: Option<String>,
}

/// What a probe costs the programs it captures in. There is a budget for each process, which all its probes share.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct ProbeCost {
    /// The instance where it took most CPU time in the last second; absent where no connected instance has reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What it took there, as a share of the CPU time the process may use: 0.01 is 1 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_share: Option<f64>,
    /// What all probes together may take there, as such a share; 0: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_budget: Option<f64>,
    /// What all probes together left of that budget; absent where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_left: Option<f64>,
    /// Of how many requests the governor lets one in, so that the budget holds, on the instance where it lets in fewest;
    /// 1: each.
    pub governor_one_in: u32,
    /// Connected instances where the governor lets in fewer, or has suspended the probe.
    pub cut_back_instances: u32,
    /// Nanoseconds of CPU time so far, over all instances.
    pub cpu_ns: u64,
    /// Those of them that its condition took.
    pub condition_ns: u64,
    /// Bytes of the values of captured calls, as instances hold them, over all instances.
    pub captured_bytes: u64,
}

/// How much of each value a probe captures, as after `CAPTURE`; what is beyond is cut off and marked. What is not said is
/// as usual: 64 items, 8 deep, values of 4 KiB, texts of 1 KiB.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct ValueLimits {
    /// Items of one list, entries of one map, fields of one struct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u32>,
    /// Lists, maps and structs inside each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Bytes of one argument, returned value or error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
    /// Bytes of one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_bytes: Option<u32>,
}

/// What a probe left out, by reason: whole requests, and by its condition calls.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Skipped {
    pub by_sample: u64,
    pub by_rate: u64,
    pub by_condition: u64,
    /// Those among them for which the condition could not be decided, as what it asks for was withheld, cut or of another
    /// type.
    pub undecided: u64,
    /// Left out as capturing would have cost more than its budget.
    pub by_governor: u64,
}

/// One `key=value` of an `ON` clause. Keys: `service`, `instance`, `class`, `release`, `host`, or a tag's key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Selector {
    pub key: String,
    /// May hold `*`.
    pub value: String,
}

/// What a probe is doing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// No instance has answered yet.
    Pending,
    /// At least one instance captures.
    Active,
    /// Instances are connected, none has a function that matches.
    NoMatch,
    /// It captures less than it could, or has reached its number of calls.
    Limited,
    /// Its time is over.
    Expired,
    /// Switched off by instances to protect their hosts.
    Suspended,
    /// Ended by `UNTRACE`.
    Stopped,
}

/// `GET /api/v1/functions`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Functions {
    /// By service, then path.
    pub functions: Vec<Function>,
    /// Why some are missing, where some are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}

/// A function that can be traced.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Function {
    pub service: String,
    pub function: String,
    pub file: String,
    pub line: u32,
    pub arguments: Vec<String>,
    pub is_async: bool,
    /// Connected instances that have it.
    pub instances: u32,
    /// Ids of the running probes that match it.
    pub probes: Vec<String>,
}

/// `GET /api/v1/instances`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Instances {
    pub instances: Vec<Instance>,
}

/// A process that is or was connected.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Instance {
    pub id: String,
    pub service: String,
    pub instance: String,
    pub class: String,
    pub release: String,
    pub host: String,
    pub pid: u32,
    pub sdk: String,
    pub tags: std::collections::BTreeMap<String, String>,
    pub started_at: String,
    pub connected: bool,
    /// When it last connected or left.
    pub since: String,
    pub functions: u32,
    #[serde(flatten)]
    pub load: Load,
}

/// What capturing takes in an instance, as it said last.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct Load {
    /// Calls lost there since it started, by reason.
    pub drops: Drops,
    /// Bytes it holds that the hub has not acknowledged.
    pub buffered_bytes: u64,
    /// What all probes together took in the last second, as a share of the CPU time the process may use: 0.01 is 1 %.
    /// Absent until it has reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_share: Option<f64>,
    /// What they may take, as such a share; 0: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_budget: Option<f64>,
}

/// Calls an instance lost, by reason.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Drops {
    pub ring_full: u64,
    pub buffer_full: u64,
    pub no_ring: u64,
    pub refused: u64,
    /// More calls were under way than can be held.
    pub open_full: u64,
    /// When they were read, the probe that had captured them was gone for long.
    pub unclaimed: u64,
    /// Calls by the code of a value (`Serialize`, `Debug`) while that was captured: never captured, so not lost.
    pub inside_values: u64,
}

impl Drops {
    /// Each reason by its name, in the order in which they are told.
    ///
    /// ```
    /// let drops = glasshull_api::answers::Drops { ring_full: 3, inside_values: 2, ..Default::default() };
    /// let told: Vec<_> = drops.by_reason().into_iter().filter(|(_, calls)| *calls > 0).collect();
    /// assert_eq!(told, [("ring full", 3), ("inside values", 2)]);
    /// ```
    pub fn by_reason(&self) -> [(&'static str, u64); 7] {
        [
            ("ring full", self.ring_full),
            ("buffer full", self.buffer_full),
            ("no ring", self.no_ring),
            ("refused", self.refused),
            ("open full", self.open_full),
            ("unclaimed", self.unclaimed),
            ("inside values", self.inside_values),
        ]
    }

    /// Calls that were lost: all but those inside values.
    ///
    /// ```
    /// let drops = glasshull_api::answers::Drops { ring_full: 3, open_full: 1, inside_values: 2, ..Default::default() };
    /// assert_eq!(drops.lost(), 4);
    /// ```
    pub fn lost(&self) -> u64 {
        let [lost @ .., _inside_values] = self.by_reason();
        lost.iter().fold(0, |all, (_, calls)| all.saturating_add(*calls))
    }
}

/// `GET /api/v1/schema`: the tables SQL can ask, for completion and documentation.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Schema {
    pub tables: Vec<TableDoc>,
    /// Words of the language beyond SQL's.
    pub statements: Vec<StatementDoc>,
}

/// A table that can be asked.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct TableDoc {
    pub name: String,
    pub doc: String,
    pub columns: Vec<ColumnDoc>,
}

/// One of its columns.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ColumnDoc {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnKind,
    pub doc: String,
}

/// A statement beyond SQL.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct StatementDoc {
    /// Its first word.
    pub word: String,
    pub syntax: String,
    pub doc: String,
    pub example: String,
}

/// `GET /api/v1/status`: the hub's own state.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Status {
    pub version: String,
    pub started_at: String,
    pub instances: u32,
    pub functions: u32,
    pub probes: u32,
    pub calls_received: u64,
    pub live_calls: u64,
    pub segments: u64,
    pub segment_bytes: u64,
    pub journal_bytes: u64,
    /// `journal`: calls are acknowledged when they are on the disk; `object-store`: when they are in the object store;
    /// `relaxed`: up to a second or so before they are on the disk.
    pub durability: String,
    /// Calls lost in connected instances, all reasons.
    pub calls_dropped: u64,
    /// What is wrong, the worst first.
    pub problems: Vec<Problem>,
    pub journal: JournalStatus,
    pub live: LiveStatus,
    pub store: StoreStatus,
    pub queries: QueriesStatus,
    pub memory: Vec<MemoryShare>,
    /// Clients that follow `/live` or `/tail`.
    pub listeners: u32,
    pub max_listeners: u32,
    /// Open TCP connections.
    pub connections: u32,
    pub max_connections: u32,
}

/// Something that is wrong with the hub or with what it is told, in plain words.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    pub severity: Severity,
    /// What is wrong, as a sentence.
    pub what: String,
    /// What is unharmed all the same, or what is not.
    pub effect: String,
    /// What to do about it.
    pub todo: String,
    /// The failure code with a page of its own, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something does not work now, or was lost.
    Bad,
    /// It will be bad if it goes on.
    Warning,
    /// As it was asked for, but good to know.
    Note,
}

/// The journal: what is in it is safe.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct JournalStatus {
    /// Whether the last write succeeded.
    pub writable: bool,
    /// Files that are not published.
    pub files: u64,
    pub bytes: u64,
    /// Syncs since the hub started, and what they took in all.
    pub syncs: u64,
    pub sync_ns: u64,
    /// Files given up after a failed write or sync.
    pub lost_files: u64,
    /// Records found damaged at start.
    pub corrupt_records: u64,
}

/// Calls that are not yet in a segment.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct LiveStatus {
    pub calls: u64,
    pub bytes: u64,
    pub limit_bytes: u64,
    /// Calls that have not ended.
    pub running_calls: u64,
    /// Bytes of batches on their way to the disk.
    pub batch_bytes: u64,
    /// Batches refused since the hub started, as there was no room.
    pub refused_busy: u64,
    /// Batches refused since the hub started, as they contradict themselves or lie in the future.
    pub refused_wrong: u64,
}

/// Segments, and what is done with them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct StoreStatus {
    pub segments: u64,
    pub bytes: u64,
    pub calls: u64,
    pub publishes: u64,
    pub publish_failures: u64,
    /// Why the last publication failed; absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_error: Option<String>,
    pub merges: u64,
    pub merge_failures: u64,
    /// Segments of times that are over that could be fewer: what merging has before it.
    pub merge_backlog: u64,
    /// Segments that cannot be merged.
    pub unmergeable: u64,
    /// Segments deleted by retention.
    pub expired: u64,
}

/// Questions, since the hub started and now.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct QueriesStatus {
    /// Those that are worked on or wait, in the order in which they were asked.
    pub under_way: Vec<QueryUnderWay>,
    pub running: u64,
    pub waiting: u64,
    pub max_running: u64,
    pub answered: u64,
    /// Answers among them that were not whole.
    pub partial: u64,
    pub failed: u64,
    pub timed_out: u64,
    pub out_of_memory: u64,
    pub refused: u64,
    /// Those whose askers went away first.
    pub cancelled: u64,
    /// Segments that could not be read, once for each question that met one.
    pub unreadable_segments: u64,
}

/// A question that is worked on or waits.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct QueryUnderWay {
    /// Its first 500 characters.
    pub statement: String,
    /// Where it is asked from.
    pub asker: String,
    /// Milliseconds since it was asked.
    pub elapsed_ms: u64,
    /// Whether it waits for others to end.
    pub waiting: bool,
}

/// A part of the memory a hub may take.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct MemoryShare {
    /// What it is for, such as `live calls`.
    pub part: String,
    pub limit_bytes: u64,
    /// What is taken of it; absent where nobody counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<u64>,
}

/// One event of `GET /api/v1/live` (server-sent events, each `data:` one of these as JSON).
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LiveEvent {
    /// The probes as they are now; at the start and after each change, at most four times a second.
    Probes(Probes),
    /// Instances or their functions changed: ask again.
    InstancesChanged,
    /// What capturing takes in those instances where that has changed; at most once a second.
    Loads(Loads),
    /// Once a second.
    Pulse(Pulse),
}

/// What capturing takes in some of the connected instances.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Loads {
    pub instances: Vec<InstanceLoad>,
}

/// What capturing takes in one of them.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct InstanceLoad {
    /// As in `GET /api/v1/instances`.
    pub id: String,
    #[serde(flatten)]
    pub load: Load,
}

/// The hub's heartbeat.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Pulse {
    pub at: String,
    /// Calls acknowledged during the last second.
    pub calls_per_second: u64,
    pub calls_dropped: u64,
    pub instances: u32,
    /// What is wrong with the hub, notes left out: `GET /api/v1/status` tells it.
    pub problems: u32,
}

/// One event of `GET /api/v1/tail` (server-sent events).
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TailEvent {
    /// A call that was just acknowledged.
    Call(Box<Call>),
    /// So many calls were passed over because the reader or the tail's rate could not follow.
    Skipped { calls: u64 },
}
