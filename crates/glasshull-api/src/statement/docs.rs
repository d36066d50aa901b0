//! The statements' own documentation, for completion and help.

use crate::answers::StatementDoc;

/// First word, syntax, meaning, example.
const DOCS: [[&str; 4]; 6] = [
    [
        "TRACE",
        "TRACE pattern[, pattern..] [ON key=value[, ..]] [WHERE condition] [FOR duration] [LIMIT n CALLS] \
         [RATE n PER SECOND] [SAMPLE 1 IN n] [CAPTURE n ITEMS | n DEEP | n KIB VALUES | n KIB TEXTS[, ..]]",
        "Captures the calls of all functions that match a pattern (`pricing::*`, `*::price`, `file:src/cart.rs:120`), \
         with arguments, outcome and time, in the running programs. ON chooses instances by service, instance, class, \
         release, host or a tag. WHERE keeps only calls for which it holds: args.sku, returned.total, error, outcome, \
         duration with =, !=, <, <=, >, >=, LIKE, IN, BETWEEN, IS NULL, AND, OR, NOT. Where silent it ends after 5m \
         or 100000 calls and captures at most 10000 calls a second on each instance. CAPTURE says how much of each value \
         is kept (200 ITEMS, 12 DEEP, 16 KIB VALUES, 4 KIB TEXTS; BYTES for KIB as well); where silent 64 items of a list, \
         8 levels, 4 KiB of a value and 1 KiB of a text.",
        "TRACE pricing::* ON class=blue WHERE returned = 0 OR duration > 10ms FOR 60s",
    ],
    [
        "UNTRACE",
        "UNTRACE probe | pattern | ALL",
        "Ends probes: one by its id, those that were made with a pattern, or all. What was captured stays.",
        "UNTRACE p7",
    ],
    [
        "SHOW",
        "SHOW FUNCTIONS | INSTANCES | PROBES | TRACES | TABLES [LIKE '..']",
        "Lists the functions that can be traced, the instances, the probes, or the newest traces. LIKE compares with \
         what names them; % stands for any run of characters.",
        "SHOW FUNCTIONS LIKE '%price%'",
    ],
    [
        "TREE",
        "TREE id [ANCESTORS [n]] [DESCENDANTS [n]] [SIBLINGS]",
        "Shows a call or a trace in its original hierarchy, across services. The id's first six characters are enough. \
         Where silent: with all descendants.",
        "TREE 4bf92f3577b34da6a3ce929d0e0e4736",
    ],
    [
        "TREE OF",
        "TREE OF (SELECT call_id ..) | (FIND ..) [ANCESTORS [n]] [DESCENDANTS [n]] [SIBLINGS]",
        "Shows the calls that a query or FIND finds in their original hierarchy, with as many levels around them as asked for.",
        "TREE OF (SELECT call_id FROM calls WHERE outcome = 'panicked' LIMIT 5) ANCESTORS SIBLINGS",
    ],
    [
        "FIND",
        "FIND 'text' [SINCE duration]",
        "Finds the calls, of any function and service, whose arguments, returned value or error hold a text, as whole words: \
         an id, a number, a name. Newest first. In SQL: mentions(args, 'text').",
        "FIND 'ORD-12345' SINCE 1h",
    ],
];

/// All statements beyond SQL.
pub fn docs() -> Vec<StatementDoc> {
    let doc = |[word, syntax, doc, example]: [&str; 4]| StatementDoc {
        word: word.into(),
        syntax: syntax.into(),
        doc: doc.into(),
        example: example.into(),
    };
    DOCS.map(doc).into()
}
