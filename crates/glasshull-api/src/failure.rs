//! Failures people and programs can act on: one code, one meaning, one page under `docs/failures/`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Declares the codes: name, number, HTTP status, meaning.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:literal;)+) => {
        /// What kind of failure it is. The text form (`GH2001`) is stable; each has a page in `docs/failures/`.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// All there are.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];

            /// The stable text form.
            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $code,)+ }
            }

            /// The HTTP status it is answered with.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status,)+ }
            }
        }
    };
}

codes! {
    /// A message on an SDK session is no message of the protocol.
    WireMalformed = "GH1001", 400;
    /// The instance speaks no protocol version this hub speaks.
    WireVersion = "GH1002", 400;
    /// The key is missing or wrong.
    KeyRefused = "GH1003", 401;
    /// A batch contradicts itself, is too large, or lies in the future.
    BatchRefused = "GH1004", 400;
    /// So many instances are connected that no further one is taken.
    TooManyInstances = "GH1005", 503;
    /// What an instance says of itself is unusable (no service, labels too long).
    InstanceRefused = "GH1006", 400;
    /// A statement is not of the language; the position says where.
    StatementSyntax = "GH2001", 400;
    /// A statement names a table, column or function that does not exist, or types that do not fit.
    StatementMeaning = "GH2002", 400;
    /// A statement would change data; only questions are allowed.
    StatementForbidden = "GH2003", 400;
    /// A query took longer than its limit.
    QueryTimeout = "GH2004", 408;
    /// A query needs more memory than its limit.
    QueryMemory = "GH2005", 413;
    /// So many queries are running or waiting that no further one is taken.
    TooManyQueries = "GH2006", 429;
    /// The call, trace or probe that was named does not exist.
    NotFound = "GH2007", 404;
    /// A probe exceeds what a probe may ask for.
    ProbeLimits = "GH2008", 400;
    /// So many probes are running that no further one is taken.
    TooManyProbes = "GH2009", 429;
    /// An HTTP request is not what the API's document says.
    RequestMalformed = "GH3001", 400;
    /// A request body is larger than allowed.
    RequestTooLarge = "GH3002", 413;
    /// There is no such path.
    NoSuchPath = "GH3003", 404;
    /// So many listeners are connected that no further one is taken.
    TooManyListeners = "GH3004", 429;
    /// The hub is stopping.
    Stopping = "GH3005", 503;
    /// The journal cannot be written (disk full, I/O error): nothing is acknowledged until it can.
    JournalUnwritable = "GH4001", 503;
    /// The catalog cannot be read or written.
    CatalogUnavailable = "GH4002", 503;
    /// The object store cannot be read or written.
    ObjectStoreUnavailable = "GH4003", 503;
    /// Another hub has taken over the object store that holds this one's journal.
    TakenOver = "GH4004", 503;
    /// The data folder cannot be used (not writable, no folder, disk full).
    DataFolderUnusable = "GH5001", 500;
    /// The data folder was written by a newer version.
    DataFolderNewer = "GH5002", 500;
    /// Another hub uses the data folder.
    DataFolderLocked = "GH5003", 500;
    /// The address cannot be listened on.
    AddressUnusable = "GH5004", 500;
    /// The settings are wrong.
    SettingsWrong = "GH5005", 500;
    /// A failure of Glasshull itself.
    Internal = "GH9001", 500;
}

/// The body of every answer that is not a success, under the key `error`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct FailureBody {
    pub error: Failure,
}

/// What failed, and what to do.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Failure {
    /// Such as `GH2001`.
    pub code: String,
    /// What happened, as a sentence.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What may have been meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Box<Fix>>,
}

/// A change of the statement that may make it what was meant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Fix {
    /// Where the change begins, in bytes, from 0.
    pub offset: usize,
    /// How much is replaced, in bytes.
    pub length: usize,
    /// What is to stand there.
    pub text: String,
}

impl Fix {
    /// The same change in a text that holds this one at `outer`.
    pub fn within(self, outer: Position) -> Self {
        Self { offset: outer.offset + self.offset, ..self }
    }
}

/// A place in a statement.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Position {
    /// In bytes, from 0.
    pub offset: usize,
    /// In bytes; 0 at the end of the statement.
    pub length: usize,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Position {
    /// The place of `length` bytes at `offset` in `text`; an offset past the end means the end.
    pub fn of(text: &str, offset: usize, length: usize) -> Self {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            offset,
            length: length.min(text.len() - offset),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The same place in a text that holds this one at `outer`.
    pub fn within(self, outer: Self) -> Self {
        let column = if self.line == 1 { outer.column + self.column - 1 } else { self.column };
        Self { offset: outer.offset + self.offset, length: self.length, line: outer.line + self.line - 1, column }
    }
}

impl Failure {
    /// A failure of this kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code: code.text().into(), message: message.into(), hint: None, position: None, fix: None }
    }

    /// The same failure, of a text that holds this one at `outer`.
    #[must_use]
    pub fn within(self, outer: Position) -> Self {
        let position = self.position.map(|position| position.within(outer));
        let fix = self.fix.map(|fix| Box::new(fix.within(outer)));
        Self { position, fix, ..self }
    }

    /// With what may have been meant in place of what stands at a position.
    ///
    /// ```
    /// use glasshull_api::{Code, Failure, Position};
    ///
    /// let statement = "TRACE pricing::* FRO 60s";
    /// let failure = Failure::new(Code::StatementSyntax, "Expected FOR, found `FRO`.");
    /// let failure = failure.meant("FOR", Position::of(statement, 17, 3));
    /// assert_eq!(failure.hint.as_deref(), Some("Did you mean FOR?"));
    /// let fix = failure.fix.unwrap();
    /// assert_eq!((fix.offset, fix.length, &*fix.text), (17, 3, "FOR"));
    /// ```
    pub fn meant(mut self, text: impl Into<String>, position: Position) -> Self {
        let text = text.into();
        self.hint.get_or_insert_with(|| format!("Did you mean {text}?"));
        self.fix = Some(Box::new(Fix { offset: position.offset, length: position.length, text }));
        self
    }

    /// With what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the place in the statement.
    pub fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// The code, where this version knows it.
    pub fn known_code(&self) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.text() == self.code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some(position) = self.position {
            write!(f, " (line {}, column {})", position.line, position.column)?;
        }
        self.hint.iter().try_for_each(|hint| write!(f, " {hint}"))
    }
}

impl std::error::Error for Failure {}
