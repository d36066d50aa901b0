use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitStr, Result, Token, ext::IdentExt, parenthesized};

/// What stands in the parentheses of `#[trace(..)]`.
#[derive(Clone, Default)]
pub(crate) struct Options {
    /// Arguments whose value is not captured.
    pub(crate) skip: Vec<Ident>,
    pub(crate) skip_all: bool,
    /// Arguments whose value is withheld, and shown as withheld.
    pub(crate) redact: Vec<Ident>,
    /// Stands for the function's own name, the last part of its path.
    pub(crate) name: Option<LitStr>,
    /// On a block: functions that are passed over.
    pub(crate) except: Vec<Ident>,
    /// What the block around says of arguments. A function in it need not have them.
    inherited_skip: Vec<Ident>,
    inherited_redact: Vec<Ident>,
}

const KNOWN: &str = "expected `skip(..)`, `skip_all`, `redact(..)`, `name = \"..\"` or, on a block, `except(..)`";

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            options.parse_one(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

impl Options {
    fn parse_one(&mut self, input: ParseStream<'_>) -> Result<()> {
        let word = input.call(Ident::parse_any).map_err(|error| Error::new(error.span(), KNOWN))?;
        match word.to_string().as_str() {
            "skip" => self.skip.extend(names(input)?),
            "skip_all" => self.skip_all = true,
            "redact" => self.redact.extend(names(input)?),
            "except" => self.except.extend(names(input)?),
            "name" => {
                input.parse::<Token![=]>()?;
                self.name = Some(checked_name(input.parse()?)?);
            }
            _ => return Err(Error::new(word.span(), KNOWN)),
        }
        Ok(())
    }

    /// What is inside a block has the block's options for arguments, and its own on top.
    pub(crate) fn within(mut self, block: &Self) -> Self {
        self.skip_all |= block.skip_all;
        self.inherited_skip = block.skip.iter().chain(&block.inherited_skip).cloned().collect();
        self.inherited_redact = block.redact.iter().chain(&block.inherited_redact).cloned().collect();
        self
    }

    /// Whether the argument's value is not captured.
    pub(crate) fn skips(&self, argument: &str) -> bool {
        self.skip_all || self.skip.iter().chain(&self.inherited_skip).any(|name| plain(name) == argument)
    }

    /// Whether the argument's value is withheld.
    pub(crate) fn redacts(&self, argument: &str) -> bool {
        self.redact.iter().chain(&self.inherited_redact).any(|name| plain(name) == argument)
    }

    /// Options that only make sense on a single function.
    pub(crate) fn check_for_block(&self) -> Result<()> {
        match &self.name {
            Some(name) => Err(Error::new(name.span(), "`name` belongs on a single function")),
            None => Ok(()),
        }
    }

    pub(crate) fn check_for_function(&self, arguments: &[String]) -> Result<()> {
        if let Some(function) = self.except.first() {
            return Err(Error::new(function.span(), "`except` belongs on an `impl` block, a trait or a module"));
        }
        let unknown = self.skip.iter().chain(&self.redact).find(|name| !arguments.contains(&plain(name)));
        match unknown {
            Some(name) => Err(Error::new(name.span(), format!("there is no argument `{name}`"))),
            None => Ok(()),
        }
    }
}

/// The identifier without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

fn names(input: ParseStream<'_>) -> Result<Punctuated<Ident, Token![,]>> {
    let inside;
    parenthesized!(inside in input);
    Punctuated::parse_terminated_with(&inside, Ident::parse_any)
}

fn checked_name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let sound = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '*');
    if sound { Ok(name) } else { Err(Error::new(name.span(), "`name` must be a word without spaces and `*`")) }
}
