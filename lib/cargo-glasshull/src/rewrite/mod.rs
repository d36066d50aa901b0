//! One source file: where attributes go, and which functions get none.
//!
//! Text is inserted, nothing is printed anew: all lines stay where they are. An attribute goes behind the last token
//! before its function, mostly the end of an earlier line, so that columns stay true too.

mod functions;
mod tokens;

#[cfg(test)]
mod tests;

use std::ops::Range;

use functions::Finder;
pub(crate) use functions::NamedFile;
use syn::visit::Visit as _;
use tokens::Tokens;

/// What holds for a whole file.
pub(crate) struct File<'a> {
    pub(crate) text: &'a str,
    /// The path of its module, from the crate on.
    pub(crate) module: &'a str,
    /// The root of a program: its `main` begins capturing.
    pub(crate) is_program: bool,
    /// The root of a crate of the edition of 2015, where names from other crates must be declared.
    pub(crate) declares_crates: bool,
    /// Why nothing in it is instrumented.
    pub(crate) blocked: Option<&'static str>,
}

/// A function that is instrumented.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) path: String,
    /// In the original text.
    pub(crate) range: Range<usize>,
}

/// A function that is left as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PassedOver {
    pub(crate) line: usize,
    pub(crate) path: String,
    pub(crate) why: Why,
}

/// Why a function is left as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Why {
    /// Said of one function and of many.
    pub(crate) reason: &'static str,
    /// What the compiler says of this one.
    pub(crate) detail: String,
}

impl From<&'static str> for Why {
    fn from(reason: &'static str) -> Self {
        Self { reason, detail: String::new() }
    }
}

#[derive(Debug)]
struct Insertion {
    /// In the original text.
    at: usize,
    text: String,
    /// Which function it instruments.
    function: Option<usize>,
}

/// A file as it goes into the shadow.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    pub(crate) text: String,
    pub(crate) functions: Vec<Function>,
    pub(crate) passed_over: Vec<PassedOver>,
    /// How many functions, each a `main` or a test, begin capturing.
    pub(crate) starts: usize,
    /// Files it names: its modules, and what it takes in.
    pub(crate) files: Vec<NamedFile>,
    insertions: Vec<Insertion>,
}

/// Instruments the functions of a file, but for those for which `pass_over` gives a reason; it is asked with each
/// function's path and text.
pub(crate) fn rewrite(file: &File<'_>, pass_over: &dyn Fn(&str, &str) -> Option<Why>) -> Result<Rewritten, syn::Error> {
    let (tokens, syntax) = tokens::parse(file.text)?;
    let mut finder = Finder::new(file, &tokens, pass_over);
    if file.declares_crates && file.blocked.is_none() {
        finder.declare_crates(&syntax);
    }
    finder.visit_file(&syntax);
    let mut rewritten = finder.found;
    rewritten.insert(file.text);
    Ok(rewritten)
}

/// Source as the compiler shows it, as people wrote it.
pub(crate) fn without_insertions(shown: &str) -> String {
    let mut text = shown.replace(&format!(" {}", functions::START), "");
    let attribute = format!(" #[{}", functions::ATTRIBUTE);
    while let Some(from) = text.find(&attribute)
        && let Some(length) = text[from..].find(']')
    {
        text.replace_range(from..=from + length, "");
    }
    text
}

impl Rewritten {
    /// A file that is left as it is: the compiler may understand it, or will say better what is wrong with it.
    pub(crate) fn not_understood(module: &str, error: &syn::Error) -> Self {
        let (line, path) = (error.span().start().line, format!("{module}::*"));
        let why = Why { reason: "in a file that is not understood", detail: error.to_string() };
        let whole = PassedOver { line, path, why };
        Self { passed_over: vec![whole], ..Self::default() }
    }

    pub(crate) fn is_changed(&self) -> bool {
        !self.insertions.is_empty()
    }

    /// Whether it names the SDK, but for declaring it.
    pub(crate) fn is_instrumented(&self) -> bool {
        !self.functions.is_empty() || self.starts > 0
    }

    /// Takes out what only declares.
    pub(crate) fn leave_alone(&mut self) {
        self.insertions.clear();
        self.text.clear();
    }

    fn insert(&mut self, original: &str) {
        self.insertions.sort_by_key(|insertion| insertion.at);
        let mut done = 0;
        for Insertion { at, text, .. } in &self.insertions {
            self.text.push_str(&original[done..*at]);
            self.text.push_str(text);
            done = *at;
        }
        self.text.push_str(&original[done..]);
    }

    /// The instrumented function at a place in the rewritten text: the innermost around it, or that of the attribute.
    pub(crate) fn function_at(&self, place: usize) -> Option<&Function> {
        let mut inserted = 0;
        for Insertion { at, text, function } in &self.insertions {
            let begin = at + inserted;
            if place < begin {
                break;
            }
            if place < begin + text.len() {
                return function.map(|function| &self.functions[function]);
            }
            inserted += text.len();
        }
        let around = self.functions.iter().filter(|function| function.range.contains(&(place - inserted)));
        around.min_by_key(|function| function.range.len())
    }

    fn attach(&mut self, tokens: &Tokens<'_>, function: Function, attribute: &str) {
        let (at, text) = tokens.before(function.range.start, attribute);
        self.insertions.push(Insertion { at, text, function: Some(self.functions.len()) });
        self.functions.push(function);
    }
}
