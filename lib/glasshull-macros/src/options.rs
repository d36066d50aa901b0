use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, Ident, LitBool, LitStr, Result, Token, ext::IdentExt, parenthesized};

use crate::arguments::Arguments;
use crate::attributes::have_macros;

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
    /// What is captured for an argument, or besides the arguments.
    pub(crate) capture: Vec<Computed>,
    /// On a block: functions that are passed over.
    pub(crate) except: Vec<Ident>,
    /// Functions that are `async` stay so: attributes of the block around may want that.
    pub(crate) stays_async: bool,
    /// What the block around says of arguments. A function in it need not have them.
    inherited_skip: Vec<Ident>,
    inherited_redact: Vec<Ident>,
    /// What the macro itself wrote, on a block around.
    pub(crate) note: Option<Box<Note>>,
}

/// What a block says to an attribute in it of which only the compiler can tell whether it is ours: `#[trace]` may be
/// another crate's, and `#[cfg_attr(.., glasshull::trace)]` may not be there. The block leaves that attribute where it
/// is, and puts behind it one of ours with a note. If the first is ours, it finds the note and takes it off; else the
/// second does the block's work.
#[derive(Clone)]
pub(crate) struct Note {
    /// The type or trait it belongs to.
    pub(crate) owner: Option<String>,
    /// The block's `except(..)` names it.
    pub(crate) is_excepted: bool,
    /// The block's options.
    pub(crate) options: Options,
}

/// The name of a note among options.
const NOTE: &str = "__note";

impl ToTokens for Note {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let (owner, is_excepted, note) = (self.owner.iter(), self.is_excepted, format_ident!("{NOTE}"));
        let Options { skip, inherited_skip, redact, inherited_redact, except, .. } = &self.options;
        let skip_all = self.options.skip_all.then(|| quote!(skip_all,));
        tokens.extend(quote! {
            #note(
                #is_excepted, #(#owner)*;
                skip(#(#skip,)* #(#inherited_skip,)*), redact(#(#redact,)* #(#inherited_redact,)*), #skip_all
                except(#(#except,)*)
            )
        });
    }
}

impl Parse for Note {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let is_excepted = input.parse::<LitBool>()?.value;
        input.parse::<Token![,]>()?;
        let owner = input.parse::<Option<LitStr>>()?.map(|owner| owner.value());
        input.parse::<Token![;]>()?;
        Ok(Self { owner, is_excepted, options: input.parse()? })
    }
}

/// One of `capture(name = expression)`.
#[derive(Clone)]
pub(crate) struct Computed {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

const KNOWN: &str = "expected `skip(..)`, `skip_all`, `redact(..)`, `capture(name = ..)`, `name = \"..\"` or, on a block, \
                     `except(..)`";

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
            "capture" => self.capture.extend(computed(input)?),
            NOTE => {
                let inside;
                parenthesized!(inside in input);
                self.note = Some(inside.parse()?);
            }
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
        self.stays_async |= block.stays_async;
        self.inherited_skip = block.skip.iter().chain(&block.inherited_skip).cloned().collect();
        self.inherited_redact = block.redact.iter().chain(&block.inherited_redact).cloned().collect();
        self
    }

    /// As they are on a block that has these attributes besides.
    pub(crate) fn before(mut self, attributes: &[Attribute]) -> Self {
        self.stays_async |= have_macros(attributes);
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
        match (&self.name, self.capture.first()) {
            (Some(name), _) => Err(Error::new(name.span(), "`name` belongs on a single function")),
            (_, Some(one)) => Err(Error::new(one.name.span(), "`capture` belongs on a single function")),
            (None, None) => Ok(()),
        }
    }

    pub(crate) fn check_for_function(&self, arguments: &Arguments) -> Result<()> {
        if let Some(function) = self.except.first() {
            return Err(Error::new(function.span(), "`except` belongs on an `impl` block, a trait or a module"));
        }
        let unknown = self.skip.iter().chain(&self.redact).find(|name| !arguments.has(&plain(name)));
        if let Some(name) = unknown {
            return Err(Error::new(name.span(), format!("there is no argument `{name}`")));
        }
        let is_skipped = |computed: &&Computed| self.skip.iter().any(|name| plain(name) == plain(&computed.name));
        match self.capture.iter().find(is_skipped) {
            Some(Computed { name, .. }) => Err(Error::new(name.span(), format!("`{name}` is skipped and captured"))),
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

fn computed(input: ParseStream<'_>) -> Result<Punctuated<Computed, Token![,]>> {
    let inside;
    parenthesized!(inside in input);
    Punctuated::parse_terminated_with(&inside, |input| {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Ok(Computed { name, value: input.parse()? })
    })
}

fn checked_name(name: LitStr) -> Result<LitStr> {
    let text = name.value();
    let sound = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '*');
    if sound { Ok(name) } else { Err(Error::new(name.span(), "`name` must be a word without spaces and `*`")) }
}
