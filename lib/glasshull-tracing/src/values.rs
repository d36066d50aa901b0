//! Fields on their way into the SDK.

use std::error::Error;
use std::fmt::Debug;

use glasshull::foreign::{Fields, Keeper, Kept};
use tracing_core::Field;
use tracing_core::field::Visit;

use crate::callsites::Ending;

/// Fields recorded after a span was created that are kept for one call: as many as a span can have.
const MAX_LATER: usize = 64;

/// The name of an event's text.
const MESSAGE: &str = "message";

/// Takes the fields that are there when a call begins.
pub(crate) struct Arguments<'a, 'b>(pub(crate) &'a mut Fields<'b>);

/// Takes the fields that are recorded while it runs.
pub(crate) struct Later<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) kept: Vec<(&'static str, Kept)>,
}

impl Arguments<'_, '_> {
    fn take(&mut self, field: &Field, put: &mut dyn FnMut(&mut Fields<'_>, usize)) {
        put(self.0, field.index());
    }
}

impl Later<'_> {
    fn take(&mut self, field: &Field, put: &mut dyn FnMut(&mut Fields<'_>, usize)) {
        let kept = self.keeper.keep(field.name(), &mut |fields| put(fields, 0));
        self.kept.extend(kept.map(|kept| (field.name(), kept)));
    }
}

/// Adds what was recorded now to what was recorded before. A field recorded again has its last value.
pub(crate) fn update(before: &mut Vec<(&'static str, Kept)>, now: Vec<(&'static str, Kept)>) {
    for (name, value) in now {
        match before.iter().position(|(known, _)| *known == name) {
            Some(place) => before[place].1 = value,
            None if before.len() < MAX_LATER => before.push((name, value)),
            None => {}
        }
    }
}

/// Takes what was returned, or the error.
pub(crate) struct Outcome<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) ending: Ending,
    pub(crate) kept: Option<Kept>,
}

impl Visit for Outcome<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.kept = match self.ending {
            Ending::Failed => self.keeper.keep_error(value),
            Ending::Returned => self.keeper.keep(field.name(), &mut |fields| fields.debug(0, value)),
        };
    }
}

/// Each way of recording, handed on.
macro_rules! visit {
    ($visitor:ty) => {
        impl Visit for $visitor {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                self.take(field, &mut |fields, place| match field.name() {
                    MESSAGE => fields.prose(place, value),
                    _ => fields.debug(place, value),
                });
            }

            visit!(record_i64(i64): value => signed(value.into()));
            visit!(record_i128(i128): value => signed(value));
            visit!(record_u64(u64): value => unsigned(value.into()));
            visit!(record_u128(u128): value => unsigned(value));
            visit!(record_f64(f64): value => real(value));
            visit!(record_bool(bool): value => bool(value));
            visit!(record_str(&str): value => text(value));
            visit!(record_error(&(dyn Error + 'static)): value => error(value));
        }
    };
    ($record:ident($ty:ty): $value:ident => $put:ident($given:expr)) => {
        fn $record(&mut self, field: &Field, $value: $ty) {
            self.take(field, &mut |fields, place| fields.$put(place, $given));
        }
    };
}

visit!(Arguments<'_, '_>);
visit!(Later<'_>);
