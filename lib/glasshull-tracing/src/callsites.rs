//! Which function stands for which callsite. Looked up on the way of every captured span, so it takes no lock: the lists
//! only grow, and each link is set once.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use glasshull::foreign::Function;
use tracing_core::Metadata;
use tracing_core::callsite::Identifier;

/// Lists of callsites. A large program has some thousand callsites: a list then has about one.
const LISTS: usize = 4096;

/// Callsites that are known at most; further ones are never captured. As many functions an instance has at most.
const MAX_CALLSITES: usize = 200_000;

static KNOWN: [OnceLock<&'static Callsite>; LISTS] = [const { OnceLock::new() }; LISTS];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A callsite.
#[derive(Debug)]
pub(crate) struct Callsite {
    identifier: Identifier,
    /// Where its spans are made, if it makes spans.
    spans_at: Option<Place>,
    pub(crate) role: Role,
    next: OnceLock<&'static Callsite>,
}

/// A file and a line.
#[derive(Debug, Eq, PartialEq)]
struct Place(Box<str>, u32);

/// What a callsite's spans or events are to us.
#[derive(Debug)]
pub(crate) enum Role {
    /// Calls.
    Calls(Function),
    /// The end of the call of this `#[instrument]`, told by an event.
    Ends(&'static Callsite, Ending),
    /// Nothing: nothing ever happens there, or the process has as many functions as it can have.
    Nothing,
}

/// Which end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    Returned,
    Failed,
}

impl Callsite {
    /// The callsite, made known if it is not. None if there are too many.
    pub(crate) fn register(metadata: &Metadata<'_>) -> Option<&'static Self> {
        let callsite = metadata.callsite();
        let mut link = list_of(&callsite);
        loop {
            if link.get().is_none() && COUNT.load(Ordering::Relaxed) >= MAX_CALLSITES {
                return None;
            }
            let known = link.get_or_init(|| Self::make(metadata));
            if known.identifier == callsite {
                return Some(known);
            }
            link = &known.next;
        }
    }

    /// The callsite if it is known.
    pub(crate) fn of(metadata: &Metadata<'_>) -> Option<&'static Self> {
        let callsite = metadata.callsite();
        list(list_of(&callsite)).find(|known| known.identifier == callsite)
    }

    /// Whether anybody wants it to run.
    pub(crate) fn is_on(&self) -> bool {
        match &self.role {
            Role::Calls(function) => function.is_on(),
            Role::Ends(span, _) => span.is_on(),
            Role::Nothing => false,
        }
    }

    /// The function whose calls it makes.
    pub(crate) fn function(&self) -> Option<Function> {
        match self.role {
            Role::Calls(function) => Some(function),
            Role::Ends(..) | Role::Nothing => None,
        }
    }

    /// Whether this is its span.
    pub(crate) fn is_of(&self, span: &Metadata<'_>) -> bool {
        self.identifier == span.callsite()
    }

    fn make(metadata: &Metadata<'_>) -> &'static Self {
        COUNT.fetch_add(1, Ordering::Relaxed);
        let role = if is_question(metadata) { None } else { ending(metadata).or_else(|| calls(metadata)) };
        let spans_at = place(metadata).filter(|_| metadata.is_span());
        Box::leak(Box::new(Self {
            identifier: metadata.callsite(),
            spans_at,
            role: role.unwrap_or(Role::Nothing),
            next: OnceLock::new(),
        }))
    }
}

/// Whether it is an `enabled!(..)`, which only asks whether somebody would listen.
fn is_question(metadata: &Metadata<'_>) -> bool {
    let place = metadata.name().strip_prefix("enabled ").and_then(|place| place.rsplit_once(':'));
    place.is_some_and(|(file, line)| metadata.file() == Some(file) && line.parse().ok() == metadata.line())
}

fn calls(metadata: &Metadata<'_>) -> Option<Role> {
    let fields = metadata.fields().iter().map(|field| field.name());
    // What comes through `log` comes from many places.
    let Place(file, line) = place(metadata).filter(|_| !is_from_log(metadata)).unwrap_or(Place("".into(), 0));
    Function::new(&path(metadata), &file, line, fields).map(Role::Calls)
}

/// Whether it is one of the five callsites, one for each level, of all that comes through `log`.
fn is_from_log(metadata: &Metadata<'_>) -> bool {
    metadata.fields().field("log.target").is_some()
}

/// How people name it: [the crate's documentation](crate) has the table.
fn path(metadata: &Metadata<'_>) -> String {
    let (target, name) = (metadata.target(), metadata.name());
    let level = metadata.level().as_str().to_ascii_lowercase();
    match metadata.line() {
        _ if metadata.is_span() => format!("{target}::{name}"),
        _ if is_from_log(metadata) => format!("log::event::{level}"),
        // Nobody gave it a name: it was made of its place.
        Some(line) if name.starts_with("event ") => format!("{target}::event::{level}_{line}"),
        _ => format!("{target}::event::{name}"),
    }
}

/// `#[instrument(ret, err)]` tells what the function gave by an event that has one field, `return` or `error`, and stands
/// where the attribute stands, as its span does; no event of the function's own body can.
fn ending(metadata: &Metadata<'_>) -> Option<Role> {
    let mut fields = metadata.fields().iter();
    let (Some(only), None, true) = (fields.next(), fields.next(), metadata.is_event()) else { return None };
    let ending = match only.name() {
        "return" => Ending::Returned,
        "error" => Ending::Failed,
        _ => return None,
    };
    let place = place(metadata)?;
    let span = KNOWN.iter().flat_map(list).find(|known| known.spans_at.as_ref() == Some(&place))?;
    Some(Role::Ends(span, ending))
}

fn place(metadata: &Metadata<'_>) -> Option<Place> {
    Some(Place(metadata.file()?.into(), metadata.line()?))
}

fn list_of(callsite: &Identifier) -> &'static OnceLock<&'static Callsite> {
    let mut address = Address(0);
    callsite.hash(&mut address);
    &KNOWN[address.finish() as usize % LISTS]
}

fn list(first: &'static OnceLock<&'static Callsite>) -> impl Iterator<Item = &'static Callsite> {
    std::iter::successors(first.get().copied(), |known| known.next.get().copied())
}

/// Hashes a callsite, which is an address, by that address.
struct Address(u64);

impl Hasher for Address {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_usize(&mut self, address: usize) {
        self.write_u64(address as u64);
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0 >> 32
    }
}
