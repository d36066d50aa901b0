//! Values by name, as an adapter hands them over.

use std::error::Error;
use std::fmt;

use crate::value::{Limits, Recorder, cut, tag};

const LIMITS: Limits = Limits::DEFAULT;

/// Takes the values of a call's arguments, in their order. One that is left out is null.
pub struct Fields<'a> {
    recorder: &'a mut Recorder,
    names: &'a [&'static str],
    /// The place of the next one.
    next: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn of(recorder: &'a mut Recorder, names: &'a [&'static str]) -> Self {
        Self { recorder, names, next: 0 }
    }

    /// Whether the value at this place is wanted; nothing that comes out of order is.
    fn reach(&mut self, place: usize) -> Option<&mut Recorder> {
        let name = *self.names.get(place).filter(|_| place >= self.next)?;
        while self.next < place {
            self.leave_out();
        }
        self.next += 1;
        self.recorder.argument(name).then_some(&mut *self.recorder)
    }

    fn leave_out(&mut self) {
        self.next += 1;
        self.recorder.absent();
    }

    /// The rest is left out.
    pub(super) fn fill(mut self) {
        while self.next < self.names.len() {
            self.leave_out();
        }
    }

    /// A number.
    pub fn signed(&mut self, place: usize, value: i128) {
        if let Some(recorder) = self.reach(place) {
            match i64::try_from(value) {
                Ok(value) => recorder.serialize(&value),
                Err(_) => recorder.serialize(&value),
            }
        }
    }

    /// A number.
    pub fn unsigned(&mut self, place: usize, value: u128) {
        if let Some(recorder) = self.reach(place) {
            match u64::try_from(value) {
                Ok(value) => recorder.serialize(&value),
                Err(_) => recorder.serialize(&value),
            }
        }
    }

    /// A number.
    pub fn real(&mut self, place: usize, value: f64) {
        if let Some(recorder) = self.reach(place) {
            recorder.serialize(&value);
        }
    }

    /// Yes or no.
    pub fn bool(&mut self, place: usize, value: bool) {
        if let Some(recorder) = self.reach(place) {
            recorder.serialize(&value);
        }
    }

    /// A text.
    pub fn text(&mut self, place: usize, value: &str) {
        if let Some(recorder) = self.reach(place) {
            recorder.serialize(value);
        }
    }

    /// What is printed.
    pub fn debug(&mut self, place: usize, value: &dyn fmt::Debug) {
        if let Some(recorder) = self.reach(place) {
            recorder.debug(value);
        }
    }

    /// Prose: a colon in it does not make what stands before it the name of what stands behind.
    pub fn prose(&mut self, place: usize, value: &dyn fmt::Debug) {
        if let Some(recorder) = self.reach(place) {
            recorder.prose(format_args!("{value:?}"));
        }
    }

    /// An error, with its sources.
    pub fn error(&mut self, place: usize, value: &(dyn Error + 'static)) {
        if let Some(recorder) = self.reach(place) {
            let unknown = std::any::type_name::<dyn Error>();
            recorder.failure(format_args!("{value}"), "Display", unknown, || value.source());
        }
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields").field("names", &self.names).field("next", &self.next).finish_non_exhaustive()
    }
}

/// A value in binary form, whole: lists and maps in it are closed.
#[derive(Clone, Debug)]
pub struct Kept(Box<[u8]>);

impl Kept {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The one value in the recorder, if there was room for it.
    pub(super) fn of(recorder: &Recorder) -> Option<Self> {
        let written = Some(recorder.bytes.written(0)).filter(|_| !recorder.bytes.is_overflowed())?;
        crate::record::values(written).next().map(|value| Self(value.into()))
    }
}

/// What a call gave: the value; or, where others became known meanwhile, an object of all of them.
pub(super) fn returned(value: Option<&Kept>, later: &[(&'static str, Kept)]) -> Option<Kept> {
    if later.is_empty() {
        return value.cloned();
    }
    let mut out = vec![tag::MAP];
    let entries = later.iter().map(|(name, value)| (*name, value)).chain(value.map(|value| ("return", value)));
    close(&mut out, entries);
    Some(Kept(out.into()))
}

/// The error object; with what became known meanwhile in it.
pub(super) fn failed(error: &Kept, later: &[(&'static str, Kept)]) -> Option<Kept> {
    let Some((&tag::END, open)) = error.0.split_last().filter(|_| !later.is_empty()) else {
        return Some(error.clone());
    };
    let mut out = open.to_vec();
    key(&mut out, "fields");
    out.push(tag::MAP);
    close(&mut out, later.iter().map(|(name, value)| (*name, value)));
    out.push(tag::END);
    Some(Kept(out.into()))
}

/// Writes entries as far as there is room, and the map's end.
fn close<'a>(out: &mut Vec<u8>, entries: impl Iterator<Item = (&'static str, &'a Kept)>) {
    let mut cut = false;
    for (place, (name, value)) in entries.enumerate() {
        if place == LIMITS.items || out.len() + name.len() + value.0.len() > LIMITS.bytes {
            cut = true;
            break;
        }
        key(out, name);
        out.extend_from_slice(&value.0);
    }
    out.push(if cut { tag::END_CUT } else { tag::END });
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.push(tag::TEXT);
    let name = cut(name, LIMITS.text_bytes);
    out.extend_from_slice(&(name.len() as u16).to_le_bytes());
    out.extend_from_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::value::redaction::Redaction;
    use crate::value::{Json, write_json};

    fn recorder() -> Recorder {
        Recorder::for_test()
    }

    fn kept(write: impl FnOnce(&mut Recorder)) -> Kept {
        let mut recorder = recorder();
        write(&mut recorder);
        Kept::of(&recorder).unwrap()
    }

    fn json(value: &Kept) -> String {
        let mut out = Json::default();
        write_json(&mut out, &value.0, &Redaction::default());
        out.as_str().to_owned()
    }

    fn arguments(names: &[&'static str], write: impl FnOnce(&mut Fields<'_>)) -> Vec<String> {
        let mut recorder = Recorder::for_test_with(Arc::default(), names);
        let mut fields = Fields::of(&mut recorder, names);
        write(&mut fields);
        fields.fill();
        crate::record::values(recorder.bytes.written(0)).map(|value| json(&Kept(value.into()))).collect()
    }

    #[test]
    fn every_argument_has_a_value_and_stands_in_its_place() {
        let values = arguments(&["a", "b", "password", "c", "d"], |fields| {
            fields.signed(1, -5);
            fields.text(2, "hunter2");
            fields.bool(1, true); // Out of order.
            fields.real(3, 0.5);
            fields.text(9, "of nobody");
        });
        assert_eq!(values, ["null", "-5", r#"{"$glasshull":"redacted"}"#, "0.5", "null"]);
    }

    #[test]
    fn numbers_keep_their_size() {
        let values = arguments(&["a", "b", "c"], |fields| {
            fields.signed(0, i128::MIN);
            fields.unsigned(1, u128::MAX);
            fields.unsigned(2, 7);
        });
        assert_eq!(values, [i128::MIN.to_string(), u128::MAX.to_string(), "7".into()]);
    }

    #[test]
    fn what_became_known_later_is_told_with_what_the_call_gave() {
        let later = [("user", kept(|out| out.serialize("ann"))), ("rows", kept(|out| out.serialize(&3)))];
        let value = kept(|out| out.debug(&Some(1)));
        assert_eq!(returned(Some(&value), &[]).map(|kept| json(&kept)).unwrap(), r#""Some(1)""#);
        assert!(returned(None, &[]).is_none());
        let all = returned(Some(&value), &later).unwrap();
        assert_eq!(json(&all), r#"{"user":"ann","rows":3,"return":"Some(1)"}"#);
        let error = kept(|out| out.message(format_args!("no")));
        assert_eq!(json(&failed(&error, &later).unwrap()), r#"{"message":"no","fields":{"user":"ann","rows":3}}"#);
        assert_eq!(json(&failed(&error, &[]).unwrap()), r#"{"message":"no"}"#);
    }

    #[test]
    fn what_becomes_known_is_bounded() {
        let later: Vec<_> = (0..100).map(|_| ("x", kept(|out| out.serialize("x".repeat(100).as_str())))).collect();
        let all = returned(None, &later).unwrap();
        assert!(all.0.len() <= LIMITS.bytes + 1 && json(&all).contains("truncated"));
    }
}
