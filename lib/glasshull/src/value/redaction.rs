//! What never leaves the process: values with names of secrets, and what looks like one where people ask for that.
//!
//! Names are looked at as values are captured, so that secrets do not even reach the ring; what is recognized by its
//! looks is withheld by the sender, before conditions see it and before it is packed.

mod names;
mod patterns;
mod printed;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

use names::Normal;
pub(crate) use patterns::Patterns;
pub use patterns::Sensitive;

use super::json::Reader;
use super::tag;

/// Stands in a text for what was withheld.
const SHOWN_INSTEAD: &str = "[redacted]";

/// Places in a thread's memory of answers.
const REMEMBERED: usize = 256;

/// How people want it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) names: Vec<String>,
    pub(crate) except: Vec<String>,
    pub(crate) values: Vec<Sensitive>,
    pub(crate) strict: bool,
}

/// What is withheld.
#[derive(Debug, Default)]
pub(crate) struct Redaction {
    further: HashSet<String>,
    except: HashSet<String>,
    patterns: Patterns,
    strict: bool,
    /// Tells the answers of agents apart that have names of their own. 0: the default names and no others.
    answers: u32,
}

thread_local! {
    /// Field names are static texts, so the place and length of one tell which it is.
    static ANSWERS: [Cell<Answer>; REMEMBERED] = const { [const { Cell::new(Answer::NONE) }; REMEMBERED] };
}

#[derive(Clone, Copy)]
struct Answer {
    place: usize,
    length: usize,
    answers: u32,
    secret: bool,
}

impl Answer {
    const NONE: Self = Self { place: 0, length: 0, answers: 0, secret: false };
}

impl Redaction {
    pub(crate) fn of(wishes: &Wishes) -> Self {
        static ANSWERS_OF: AtomicU32 = AtomicU32::new(1);
        let set = |names: &[String]| -> HashSet<String> {
            let normal = names.iter().map(|name| Normal::of(name).as_str().to_owned());
            normal.filter(|name| !name.is_empty()).collect()
        };
        let (further, except) = (set(&wishes.names), set(&wishes.except));
        let has_own = !further.is_empty() || !except.is_empty();
        Self {
            answers: if has_own { ANSWERS_OF.fetch_add(1, Ordering::Relaxed) } else { 0 },
            further,
            except,
            patterns: Patterns::of(wishes.values.iter().copied()),
            strict: wishes.strict,
        }
    }

    /// Whether texts made by `Debug`, whose fields cannot be told apart, are not to be shown at all.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether a name is one of secrets.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.is_among(&Normal::of(name), Normal::is_secret)
    }

    fn is_among(&self, name: &Normal, defaults: fn(&Normal) -> bool) -> bool {
        self.further.contains(name.as_str()) || (defaults(name) && !self.except.contains(name.as_str()))
    }

    /// The same for the first 64 of some names: a bit each, from the lowest on.
    pub(crate) fn names_among(&self, names: &[&str]) -> u64 {
        let bits = names.iter().take(u64::BITS as usize).enumerate();
        bits.fold(0, |bits, (place, name)| bits | u64::from(self.names(name)) << place)
    }

    /// The same for a text that is part of the program; remembers the answer.
    #[inline]
    pub(crate) fn names_static(&self, name: &'static str) -> bool {
        let (place, length) = (name.as_ptr() as usize, name.len());
        let remembered = ANSWERS.with(std::ptr::from_ref);
        // SAFETY: it has no destructor, so it is there as long as the thread runs; the reference stays in here. (What is
        // given to `with` itself is not always inlined.)
        let remembered = unsafe { &(*remembered)[(place ^ (place >> 8) ^ length) % REMEMBERED] };
        let answer = remembered.get();
        if answer.place == place && answer.length == length && answer.answers == self.answers {
            return answer.secret;
        }
        self.remember(name, remembered)
    }

    #[cold]
    #[inline(never)]
    fn remember(&self, name: &'static str, remembered: &Cell<Answer>) -> bool {
        let (place, length, answers) = (name.as_ptr() as usize, name.len(), self.answers);
        let secret = self.names(name);
        remembered.set(Answer { place, length, answers, secret });
        secret
    }

    /// The same for a key in binary form.
    pub(crate) fn names_encoded(&self, key: &[u8]) -> bool {
        match key.split_first() {
            Some((&(tag::TEXT | tag::TEXT_CUT), text)) => {
                Reader { bytes: text }.text().is_some_and(|text| self.names(text))
            }
            _ => false,
        }
    }

    /// Whether nothing is withheld by its looks.
    #[inline]
    pub(crate) fn shows_all(&self) -> bool {
        self.patterns.is_empty()
    }

    /// A captured text without what is withheld by its looks.
    pub(crate) fn shown<'t>(&self, text: &'t str, is_cut: bool) -> Cow<'t, str> {
        if self.shows_all() {
            return Cow::Borrowed(text);
        }
        let named = self.patterns.has(Sensitive::NamedInText).then(|| self.redact_text(text, false)).flatten();
        match named {
            None => self.patterns.redact(text, is_cut),
            Some(named) => Cow::Owned(self.patterns.redact(&named, is_cut).into_owned()),
        }
    }

    /// Whether a whole number is withheld by its looks.
    #[inline]
    pub(crate) fn withholds_number(&self, number: u64) -> bool {
        self.patterns.withholds_number(number)
    }
}
