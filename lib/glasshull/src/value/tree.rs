//! The binary form as a tree, to look things up in. The sender makes one where a condition asks for it.

use super::redaction::Redaction;
use super::{Limits, json::Reader, tag};

/// A captured value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Integer(i128),
    Real(f64),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
    /// A value that was withheld, could not be captured, or has no form of its own: nothing is known of it.
    Unknown,
}

impl Tree {
    /// Reads a value; what was cut is unknown.
    pub(crate) fn read(value: &[u8], redaction: &Redaction) -> Self {
        item(&mut Reader { bytes: value }, redaction, 0).unwrap_or(Self::Unknown)
    }

    /// The value below, by keys and places.
    pub(crate) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |tree, step| match tree {
            Self::Map(entries) => entries.iter().find(|(key, _)| key == step).map(|(_, value)| value),
            Self::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// A single value as text.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Real(value) => Some(value.to_string()),
            Self::Text(value) => Some(value.clone()),
            _ => None,
        }
    }
}

/// The next item; None at an end, and where the value was cut.
fn item(reader: &mut Reader<'_>, redaction: &Redaction, depth: usize) -> Option<Tree> {
    let tag = reader.byte()?;
    Some(match tag {
        tag::LIST | tag::MAP if depth > 2 * Limits::CAPS.depth => return None,
        tag::LIST => Tree::List(std::iter::from_fn(|| item(reader, redaction, depth + 1)).collect()),
        tag::MAP => Tree::Map(std::iter::from_fn(|| entry(reader, redaction, depth)).collect()),
        tag::NULL => Tree::Null,
        tag::FALSE => Tree::Bool(false),
        tag::TRUE => Tree::Bool(true),
        tag::UNSIGNED => match reader.varint()? {
            number if redaction.withholds_number(number) => Tree::Unknown,
            number => Tree::Integer(number.into()),
        },
        tag::SIGNED => Tree::Integer(reader.signed()?.into()),
        // What exceeds i128 exceeds whatever it is compared with.
        tag::UNSIGNED_128 => Tree::Integer(i128::try_from(u128::from_le_bytes(reader.array()?)).unwrap_or(i128::MAX)),
        tag::SIGNED_128 => Tree::Integer(i128::from_le_bytes(reader.array()?)),
        tag::FLOAT_32 => Tree::Real(f32::from_le_bytes(reader.array()?).into()),
        tag::FLOAT_64 => Tree::Real(f64::from_le_bytes(reader.array()?)),
        tag::TEXT | tag::PRINTED => Tree::Text(redaction.shown(reader.text()?, false).into_owned()),
        tag::TEXT_CUT | tag::PRINTED_CUT => Tree::Text(redaction.shown(reader.text()?, true).into_owned()),
        tag::BYTES | tag::BYTES_CUT => {
            Tree::List(reader.sized()?.iter().map(|&byte| Tree::Integer(byte.into())).collect())
        }
        tag::TRUNCATED | tag::REDACTED | tag::SKIPPED => Tree::Unknown,
        tag::FAILED | tag::OPAQUE => {
            reader.byte()?;
            reader.sized()?;
            Tree::Unknown
        }
        _ => return None,
    })
}

fn entry(reader: &mut Reader<'_>, redaction: &Redaction, depth: usize) -> Option<(String, Tree)> {
    let key = item(reader, redaction, depth + 1)?;
    Some((key.text().unwrap_or_default(), item(reader, redaction, depth + 1)?))
}
