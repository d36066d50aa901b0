use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use subtle::ConstantTimeEq;

/// The longest key, in characters: it travels in a header.
const MAX_KEY_CHARS: usize = 512;

/// A secret every client of a hub must show. Never printed.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Key(String);

impl Key {
    /// Whether this is the key, in a time that does not tell how much of it was right.
    pub fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }

    /// As it is written in `Authorization: Bearer KEY`.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX_KEY_CHARS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("a key is 1 to {MAX_KEY_CHARS} visible ASCII characters without spaces"));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
