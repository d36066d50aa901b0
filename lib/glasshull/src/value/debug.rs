//! `Debug` and `Display` into the binary form: a text.

use std::fmt::{self, Write};

use super::encoder::Runaway;
use super::{MAX_IGNORED_REFUSALS, cut};

/// A text that takes no more than a limit.
pub(crate) struct LimitedText {
    text: String,
    /// Bytes it takes.
    limit: usize,
    cut: bool,
    refusals: usize,
}

impl LimitedText {
    pub(crate) fn new(limit: usize) -> Self {
        Self { text: String::new(), limit, cut: false, refusals: 0 }
    }

    /// Prints, and says how the printing ended. What was printed before an end by limit is there.
    pub(crate) fn print(&mut self, value: fmt::Arguments<'_>) -> fmt::Result {
        self.write_fmt(value)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there was more than fits.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }
}

impl Write for LimitedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.cut {
            self.refusals += 1;
            // Without unwinding this would end the program.
            if cfg!(panic = "unwind") && self.refusals > MAX_IGNORED_REFUSALS {
                std::panic::resume_unwind(Box::new(Runaway));
            }
            return Err(fmt::Error);
        }
        let fitting = cut(text, self.limit.saturating_sub(self.text.len()));
        self.text.push_str(fitting);
        self.cut = fitting.len() < text.len();
        if self.cut { Err(fmt::Error) } else { Ok(()) }
    }
}
