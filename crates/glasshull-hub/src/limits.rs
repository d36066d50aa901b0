//! What a hub takes at most, of everything. Limits a person may want to change are [`Settings`](crate::Settings); what
//! both sides of a session hold each other to stands in [`glasshull_wire::limits`].

use std::time::Duration;

/// Connections that have not yet said `Hello`. Enough for a fleet that reconnects at once, few enough that strangers
/// who only connect cost nothing.
pub const MAX_HANDSHAKES: usize = 256;

/// From the upgrade to a complete `Hello`.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// A `Hello`, in bytes: all labels and tags at their longest take less.
pub const MAX_HELLO_BYTES: usize = 64 * 1024;

/// For batches of an instance's older session to come to disk before a newer one is welcomed.
pub const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// How often the hub asks whether a session is still there.
pub const PING_EVERY: Duration = Duration::from_secs(10);

/// A session from which nothing came for so long, not even an answer to a ping, is dead.
pub const SILENT_FOR: Duration = Duration::from_secs(35);

/// One message to an instance that reads too slowly; then the session is closed.
pub const SEND_WITHIN: Duration = Duration::from_secs(10);

/// Batches of one session that are on their way to the disk. Two would hide the disk's latency; eight hide the
/// network's as well.
pub const MAX_BATCHES_UNDER_WAY: usize = 8;

/// Bytes a WebSocket reads at a time, for each session.
pub const SESSION_READ_BYTES: usize = 16 * 1024;

/// When a refused instance may come back.
pub const RETRY_AFTER_FULL: Duration = Duration::from_secs(15);

/// When an instance may come back after the hub could not write.
pub const RETRY_AFTER_FAULT: Duration = Duration::from_secs(2);

/// Functions of all connected instances together, each counted once for each instance that has it: 8 bytes each.
pub const MAX_FUNCTIONS_IN_ALL: usize = 8_000_000;

/// What the different functions of one instance may take, in bytes of their names: a large program's take a tenth.
pub const MAX_FUNCTION_BYTES: usize = 64 * 1024 * 1024;

/// What the different functions of all connected instances together may take, in bytes of their names.
pub const MAX_FUNCTION_BYTES_IN_ALL: usize = 256 * 1024 * 1024;

/// Probes that run at a time, over all instances. Equal to what one instance takes, so that all can be meant for one.
pub const MAX_PROBES: usize = glasshull_wire::limits::MAX_PROBES;

/// Ended probes that are still shown.
pub const MAX_ENDED_PROBES: usize = 50;

/// Instances that left and are listed, the newest first: what a page can show.
pub const MAX_INSTANCES_SHOWN: usize = 2_000;

/// Instances whose last report on one probe is remembered, connected or gone: what they count next is counted from
/// there. More than twice as many as may be connected; all of them with all probes take 200 MiB.
pub const MAX_INSTANCES_COUNTED: usize = 5_000;

/// No count of an instance, and no sum of them, goes beyond this: one that lies cannot make anything overflow, here or in
/// the catalog.
pub const MAX_COUNT: u64 = 1 << 60;

/// Of the reason an instance gives for a probe's state so many bytes are kept: they go to everybody who looks.
pub const MAX_REASON_BYTES: usize = 512;

/// The longest a query may be allowed to take: the store keeps files that left the catalog for two minutes, for
/// queries that still read them.
pub const MAX_QUERY_TIMEOUT: Duration = Duration::from_secs(100);

/// Instances that left are shown for so long.
pub const SHOWN_AFTER_LEAVING: Duration = Duration::from_secs(24 * 60 * 60);

/// Functions in one answer of the API: what a page can list.
pub const MAX_FUNCTIONS_SHOWN: usize = 50_000;

/// A request's body, in bytes: the longest statement, escaped at its worst.
pub const MAX_BODY_BYTES: usize = 512 * 1024;

/// From a request's head to the end of its body.
pub const BODY_WITHIN: Duration = Duration::from_secs(15);

/// What the catalog may take to close when the hub stops.
pub const CLOSE_CATALOG_WITHIN: Duration = Duration::from_secs(2);

/// A peer that takes nothing of what is sent for so long is given up: it would keep the answer in memory for ever.
pub const READS_WITHIN: Duration = Duration::from_secs(30);

/// A request's head.
pub const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// A request's head, in bytes.
pub const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How many listeners of `/live` and `/tail` there may be.
pub const MAX_LISTENERS: usize = 256;

/// Events a listener of `/live` may lag behind; then it is told the newest state only.
pub const MAX_LIVE_EVENTS: usize = 64;

/// Changes are told to listeners at most so often.
pub const LIVE_EVERY: Duration = Duration::from_millis(250);

/// Calls a second a tail shows where it does not say.
pub const DEFAULT_TAIL_RATE: u32 = 50;

/// Calls a second a tail may ask for.
pub const MAX_TAIL_RATE: u32 = 1_000;

/// How often running probes are looked over: time, number of calls, counts to be kept.
pub const PROBES_EVERY: Duration = Duration::from_millis(250);

/// How often counts of running probes go to the catalog. What is counted after the last time is lost if the hub dies.
pub const COUNTS_EVERY: Duration = Duration::from_secs(2);
