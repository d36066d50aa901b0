//! Statements as data. [`Display`](std::fmt::Display) writes each as a text that parses to the same statement.

use std::time::Duration;

use crate::Position;
use crate::answers::{Selector, ValueLimits};

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Trace(Trace),
    Untrace(Untrace),
    Show(Show),
    Tree(Tree),
    Find(Find),
    /// A question in SQL, as it was written: places in it are places in the statement.
    Sql(String),
}

/// `TRACE`: an order to capture.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// At least one.
    pub patterns: Vec<Pattern>,
    /// Which instances. Values of one key are alternatives, all keys must hold. Empty: all instances.
    pub selectors: Vec<Selector>,
    pub condition: Option<Condition>,
    pub duration: Duration,
    /// Over all instances.
    pub max_calls: u64,
    /// On each instance.
    pub max_calls_per_second: u32,
    /// Of how many requests one is captured; 1: each.
    pub sample_one_in: u32,
    /// How much of each value is captured.
    pub value_limits: ValueLimits,
}

/// Which functions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Pattern {
    /// A function's path, or the part of it behind one of its `::`; `*` stands for any run of characters.
    Path(String),
    /// The functions of a file, or the one that encloses a line of it (the last that begins at or before it).
    Place {
        /// The end of a file's path, at a `/`; `*` stands for any run of characters.
        file: String,
        line: Option<u32>,
    },
}

/// `UNTRACE`: which probes end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Untrace {
    All,
    /// By id, such as `p7`.
    Probe(String),
    /// Those that were made with this pattern.
    Pattern(Pattern),
}

/// `SHOW`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Show {
    pub what: ShowWhat,
    /// SQL's `LIKE`, on what names the thing shown.
    pub like: Option<String>,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ShowWhat {
    Functions,
    Instances,
    Probes,
    Traces,
}

/// `FIND`: the calls whose arguments, returned value or error hold a text, as whole words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Find {
    pub text: String,
    /// Only calls that began so long ago or later.
    pub since: Option<Duration>,
}

/// `TREE`: calls in their original hierarchy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tree {
    pub of: TreeOf,
    /// What is shown around the calls; `None` where the statement is silent: all their descendants.
    pub surroundings: Option<Surroundings>,
}

/// Which calls a tree is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TreeOf {
    /// A call's id, or a trace's, which stands for its topmost calls; lower-case hexadecimal, at least its first
    /// [`MIN_ID_PREFIX`](super::limits::MIN_ID_PREFIX) characters.
    Id(String),
    /// The calls whose ids a query finds.
    Query(Subquery),
    /// The calls that `FIND` finds.
    Find(Find),
}

/// A question in SQL inside another statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subquery {
    pub sql: String,
    /// Where it stands in the statement: see [`Position::within`].
    pub position: Position,
}

/// What a tree shows around its calls.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Surroundings {
    pub ancestors: Hops,
    pub descendants: Hops,
    /// The other calls of the same parent.
    pub siblings: bool,
}

/// How many levels.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Hops {
    #[default]
    None,
    UpTo(u32),
    All,
}

impl Hops {
    /// As a number of levels.
    pub fn levels(self) -> u32 {
        match self {
            Hops::None => 0,
            Hops::UpTo(levels) => levels,
            Hops::All => u32::MAX,
        }
    }
}

/// What must hold for a call to be kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// At least two.
    All(Vec<Condition>),
    /// At least two.
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Comparison(Comparison),
}

/// One comparison of a part of a call with literals.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub subject: Subject,
    /// Steps below the subject: keys, or places in a list as decimal digits. Empty: the subject itself.
    pub path: Vec<String>,
    pub operator: Operator,
    /// One; for [`Operator::In`] at least one; for [`Operator::IsNull`] none.
    pub values: Vec<Literal>,
}

/// The part of a call that is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// The arguments, an object by name.
    Args,
    /// The returned value.
    Returned,
    /// The error's or the panic's message.
    Error,
    /// `returned`, `error`, `panicked`, `cancelled`, `running`.
    Outcome,
    /// In nanoseconds.
    Duration,
}

/// How a part is compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// SQL's `LIKE`: `%` any run of characters, `_` one.
    Like,
    In,
    IsNull,
}

/// A value in a condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Integer(i64),
    /// Finite.
    Real(f64),
    Boolean(bool),
}

impl Condition {
    /// Levels of nesting, 1 for a comparison.
    pub fn depth(&self) -> usize {
        1 + match self {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().map(Self::depth).max().unwrap_or(0),
            Condition::Not(inner) => inner.depth(),
            Condition::Comparison(_) => 0,
        }
    }
}
