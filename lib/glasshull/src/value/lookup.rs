//! Looking up one place in a value in binary form, without building anything.

use std::borrow::Cow;

use super::json::Reader;
use super::redaction::Redaction;
use super::tag;

/// One step of a path: a key, or a place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    key: Box<str>,
    place: Option<usize>,
}

impl Step {
    pub(crate) fn new(step: &str) -> Self {
        Self { key: step.into(), place: step.parse().ok() }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found<'a> {
    /// There is no such place.
    Missing,
    Null,
    Bool(bool),
    Integer(i128),
    Real(f64),
    Text(Cow<'a, str>),
    /// A list or a map.
    Container,
    /// Something, of which nothing is known.
    Hidden(Hidden),
}

/// Why nothing is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    Withheld,
    /// It was cut, or it lies behind what was cut.
    Cut,
    /// It was skipped, failed, or has no form of its own.
    NotCaptured,
}

impl<'a> Found<'a> {
    /// A single value as text.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Bool(value) => Some(if *value { "true" } else { "false" }.into()),
            Self::Integer(value) => Some(value.to_string().into()),
            Self::Real(value) => Some(value.to_string().into()),
            Self::Text(value) => Some(value.as_ref().into()),
            _ => None,
        }
    }

    fn cut() -> Self {
        Self::Hidden(Hidden::Cut)
    }
}

/// What stands in `value` at the end of a path. `read` is told how many bytes were looked at.
pub(crate) fn look_up<'a>(value: &'a [u8], path: &[Step], redaction: &Redaction, read: &mut usize) -> Found<'a> {
    let mut reader = Reader { bytes: value };
    let found = walk(&mut reader, path, redaction);
    *read += value.len() - reader.bytes.len();
    found
}

fn walk<'a>(reader: &mut Reader<'a>, path: &[Step], redaction: &Redaction) -> Found<'a> {
    for step in path {
        let arrived = match reader.byte() {
            Some(tag::MAP) => enter_map(reader, step, redaction),
            Some(tag::LIST) => enter_list(reader, step),
            Some(tag::BYTES | tag::BYTES_CUT) => return byte_at(reader, step),
            Some(other) => Err(instead(other)),
            None => Err(Found::cut()),
        };
        if let Err(found) = arrived {
            return found;
        }
    }
    scalar(reader, redaction).unwrap_or(Found::cut())
}

/// What a path leads to that goes on below a value without parts.
fn instead<'a>(tag: u8) -> Found<'a> {
    match tag {
        tag::END_CUT | tag::TRUNCATED => Found::cut(),
        tag::REDACTED => Found::Hidden(Hidden::Withheld),
        tag::SKIPPED | tag::FAILED | tag::OPAQUE => Found::Hidden(Hidden::NotCaptured),
        _ => Found::Missing,
    }
}

/// Goes to the value behind a key.
fn enter_map<'a>(reader: &mut Reader<'a>, step: &Step, redaction: &Redaction) -> Result<(), Found<'a>> {
    loop {
        match reader.bytes.first() {
            Some(&tag::END) => return Err(Found::Missing),
            Some(&tag::END_CUT) | None => return Err(Found::cut()),
            Some(_) => {}
        }
        let key = scalar(reader, redaction).ok_or(Found::cut())?;
        if key.text().is_some_and(|key| *key == *step.key) {
            return Ok(());
        }
        skip(reader).ok_or(Found::cut())?;
    }
}

/// Goes to an item.
fn enter_list<'a>(reader: &mut Reader<'a>, step: &Step) -> Result<(), Found<'a>> {
    let place = step.place.ok_or(Found::Missing)?;
    for before in 0.. {
        match reader.bytes.first() {
            Some(&tag::END) => return Err(Found::Missing),
            Some(&tag::END_CUT) | None => return Err(Found::cut()),
            Some(_) if before == place => return Ok(()),
            Some(_) => skip(reader).ok_or(Found::cut())?,
        }
    }
    Ok(())
}

fn byte_at<'a>(reader: &mut Reader<'a>, step: &Step) -> Found<'a> {
    let byte = reader.sized().zip(step.place).and_then(|(bytes, place)| bytes.get(place));
    byte.map_or(Found::Missing, |&byte| Found::Integer(byte.into()))
}

/// Passes over one item, whatever is in it. None if it does not end.
fn skip(reader: &mut Reader<'_>) -> Option<()> {
    skip_rest(reader, 0)
}

/// Passes over the rest of so many open containers; of none: over the next item.
fn skip_rest(reader: &mut Reader<'_>, mut open: usize) -> Option<()> {
    loop {
        match reader.byte()? {
            tag::LIST | tag::MAP => open += 1,
            tag::END | tag::END_CUT => open = open.checked_sub(1)?,
            other => skip_scalar(reader, other)?,
        }
        if open == 0 {
            return Some(());
        }
    }
}

fn skip_scalar(reader: &mut Reader<'_>, tag: u8) -> Option<()> {
    match tag {
        tag::NULL | tag::FALSE | tag::TRUE | tag::TRUNCATED | tag::REDACTED | tag::SKIPPED => {}
        tag::UNSIGNED_128 | tag::SIGNED_128 => drop(reader.array::<16>()?),
        tag::UNSIGNED_32 | tag::SIGNED_32 | tag::FLOAT_32 => drop(reader.array::<4>()?),
        tag::UNSIGNED | tag::SIGNED | tag::FLOAT_64 => drop(reader.array::<8>()?),
        tag::TEXT | tag::TEXT_CUT | tag::PRINTED | tag::PRINTED_CUT | tag::BYTES | tag::BYTES_CUT => {
            reader.sized()?;
        }
        tag::FAILED | tag::OPAQUE => {
            reader.byte()?;
            reader.sized()?;
        }
        _ => return None,
    }
    Some(())
}

/// The next item; of a container only that it is one, and its content is passed over. None where the value was cut.
fn scalar<'a>(reader: &mut Reader<'a>, redaction: &Redaction) -> Option<Found<'a>> {
    let tag = reader.byte()?;
    Some(match tag {
        // It may be cut: what it is is known all the same.
        tag::LIST | tag::MAP => {
            let _ = skip_rest(reader, 1);
            Found::Container
        }
        tag::NULL => Found::Null,
        tag::FALSE => Found::Bool(false),
        tag::TRUE => Found::Bool(true),
        tag::UNSIGNED | tag::UNSIGNED_32 => match reader.unsigned(tag)? {
            number if redaction.withholds_number(number) => Found::Hidden(Hidden::Withheld),
            number => Found::Integer(number.into()),
        },
        tag::SIGNED | tag::SIGNED_32 => Found::Integer(reader.signed(tag)?.into()),
        // What exceeds i128 exceeds whatever it is compared with.
        tag::UNSIGNED_128 => Found::Integer(i128::try_from(u128::from_le_bytes(reader.array()?)).unwrap_or(i128::MAX)),
        tag::SIGNED_128 => Found::Integer(i128::from_le_bytes(reader.array()?)),
        tag::FLOAT_32 => Found::Real(f32::from_le_bytes(reader.array()?).into()),
        tag::FLOAT_64 => Found::Real(f64::from_le_bytes(reader.array()?)),
        tag::TEXT | tag::PRINTED => Found::Text(redaction.shown(reader.text()?, false)),
        tag::TEXT_CUT | tag::PRINTED_CUT => Found::Text(redaction.shown(reader.text()?, true)),
        tag::BYTES | tag::BYTES_CUT => reader.sized().map(|_| Found::Container)?,
        tag::TRUNCATED | tag::REDACTED | tag::SKIPPED => instead(tag),
        tag::FAILED | tag::OPAQUE => skip_scalar(reader, tag).map(|()| instead(tag))?,
        _ => return None,
    })
}
