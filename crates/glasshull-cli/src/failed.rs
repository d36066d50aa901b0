use std::io::{self, Write};

use glasshull_api::Failure;

use crate::plain::plain;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The hub said no, or this command in its place.
    Failure(Box<Failure>),
    /// The hub said no to a statement.
    Statement { failure: Box<Failure>, statement: String },
    /// The output could not be written.
    Output(io::Error),
    /// What was wrong has been told already.
    Told,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failed {
    /// Tells people on standard error; where that is gone too, nobody is left to tell.
    pub(crate) fn tell(&self) {
        let _ = io::stderr().lock().write_all(self.text().as_bytes());
    }

    fn text(&self) -> String {
        match self {
            Self::Failure(failure) => told(failure, ""),
            Self::Statement { failure, statement } => told(failure, &pointed(failure, statement)),
            Self::Output(error) => format!("error: The output cannot be written: {error}.\n"),
            Self::Told => String::new(),
        }
    }
}

fn told(failure: &Failure, pointed: &str) -> String {
    let hint = failure.hint.as_ref().map_or_else(String::new, |hint| format!("  {}\n", plain(hint)));
    format!("error[{}]: {}\n{pointed}{hint}", plain(&failure.code), plain(&failure.message))
}

/// The line of the statement that is wrong, with a mark under the place.
fn pointed(failure: &Failure, statement: &str) -> String {
    let Some(position) = failure.position else { return String::new() };
    let Some(line) = statement.lines().nth(position.line.saturating_sub(1)) else { return String::new() };
    let before: String = line.chars().take(position.column.saturating_sub(1)).collect();
    let rest = line.len() - before.len();
    let marks = line[before.len()..].get(..position.length.min(rest)).map_or(1, |marked| marked.chars().count().max(1));
    format!("  {}\n  {}{}\n", plain(line), " ".repeat(plain(&before).chars().count()), "^".repeat(marks))
}

#[cfg(test)]
mod tests {
    use glasshull_api::statement::parse;

    use super::*;

    #[test]
    fn a_wrong_statement_is_shown_with_a_mark_under_the_place() {
        let statement = "TRACE pricing::*\nFRO 60s";
        let failure = Box::new(parse(statement).expect_err("no statement"));
        let text = Failed::Statement { failure, statement: statement.into() }.text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("error[GH2001]: "), "{text}");
        assert_eq!(&lines[1..], ["  FRO 60s", "  ^^^", "  Did you mean FOR?"]);
    }

    #[test]
    fn what_a_hub_says_cannot_steer_the_terminal() {
        let failure = Failure::new(glasshull_api::Code::NotFound, "no \x1b[2Jprobe");
        assert_eq!(Failed::from(failure).text(), "error[GH2007]: no \\u{1b}[2Jprobe\n");
    }
}
