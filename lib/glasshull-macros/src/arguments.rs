use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, FieldPat, FnArg, Ident, Member, Pat, PatIdent, PatType, Receiver, Signature, parse_quote};

use crate::options::{Options, plain};

/// The arguments of one function: how its signature takes them, how they are captured, and how they are handed on to
/// the body that moved into a closure.
#[derive(Default)]
pub(crate) struct Arguments {
    /// In order of declaration.
    captures: Vec<Capture>,
    /// All patterns that stood in the signature.
    patterns: Vec<Wrap>,
    /// Statements that take the whole of each argument, in order, into the block they stand in, as a function does. They
    /// are dropped in that order if the block never runs.
    pub(crate) taken: TokenStream,
    /// First statements of the moved body: binds each argument as the signature did.
    pub(crate) rebind: TokenStream,
}

struct Capture {
    /// As people see it.
    name: String,
    /// Fields a pattern takes it from, where they are named otherwise: `pw` in `Login { password: pw }`.
    fields: Vec<String>,
    /// Brings what `value` names into scope around the statement that uses it.
    wraps: Vec<Wrap>,
    value: Captured,
    /// The argument's own `#[cfg(..)]`: it may not be there.
    cfg: Vec<Attribute>,
}

/// A pattern, and the reference it is matched with.
#[derive(Clone)]
struct Wrap {
    pattern: Pat,
    whole: TokenStream,
}

enum Captured {
    /// An expression that is a reference to the value.
    Reference(TokenStream),
    /// The user's own expression, from `capture(name = ..)`.
    Computed(Box<Expr>),
}

impl Arguments {
    /// Takes the patterns out of the signature, leaving plain names in it.
    ///
    /// Inside the closure each argument is bound again, in order, by a statement of its own: locals are dropped in
    /// reverse order, so the drop order is that of the function as it was written, also for what a pattern ignores.
    pub(crate) fn take_from(signature: &mut Signature, options: &Options) -> Self {
        let mut arguments = Self::default();
        for (place, input) in signature.inputs.iter_mut().enumerate() {
            match input {
                FnArg::Receiver(receiver) => arguments.receiver(receiver),
                FnArg::Typed(typed) => arguments.typed(place, typed),
            }
        }
        arguments.compute(options);
        arguments
    }

    /// Names the arguments without changing how the body sees them, for a body that stays where it is.
    pub(crate) fn of(signature: &Signature, options: &Options) -> Self {
        let mut arguments = Self::default();
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(receiver) => arguments.receiver(receiver),
                FnArg::Typed(typed) => {
                    let cfg = conditions(&typed.attrs);
                    for (name, fields) in bound_names(&typed.pat) {
                        arguments.capture(&name, fields, Vec::new(), quote!(&#name), cfg.clone());
                    }
                }
            }
        }
        arguments.compute(options);
        arguments
    }

    fn receiver(&mut self, receiver: &Receiver) {
        let (this, cfg) = (&receiver.self_token, conditions(&receiver.attrs));
        // A reference to the whole of it makes the closure take the whole of it, as a function does.
        let take = quote!(#(#cfg)* let _ = &#this;);
        self.taken.extend(take.clone());
        self.rebind.extend(take);
        let value = Captured::Reference(quote!(&#this));
        self.captures.push(Capture { name: "self".into(), fields: Vec::new(), wraps: Vec::new(), value, cfg });
    }

    fn typed(&mut self, place: usize, typed: &mut PatType) {
        let cfg = conditions(&typed.attrs);
        if let Pat::Ident(PatIdent { ident, mutability, by_ref: None, subpat: None, .. }) = &mut *typed.pat {
            let ident = ident.clone();
            let mutability = mutability.take();
            self.taken.extend(quote!(#(#cfg)* let _ = &#ident;));
            self.rebind.extend(quote!(#(#cfg)* let #mutability #ident = #ident;));
            self.capture(&ident, Vec::new(), Vec::new(), quote!(&#ident), cfg);
            return;
        }
        let whole = format_ident!("__glasshull_argument_{place}", span = Span::mixed_site());
        let original = std::mem::replace(&mut *typed.pat, parse_quote!(#whole));
        self.taken.extend(quote!(#(#cfg)* let _ = &#whole;));
        self.rebind.extend(quote!(#(#cfg)* let #whole = #whole; #(#cfg)* let #original = #whole;));
        let wrap = borrowing(original.clone(), &whole);
        for (name, fields) in bound_names(&original) {
            self.capture(&name, fields, vec![wrap.clone()], quote!(#name), cfg.clone());
        }
        if cfg.is_empty() {
            self.patterns.push(wrap);
        }
    }

    fn capture(
        &mut self,
        ident: &Ident,
        fields: Vec<String>,
        wraps: Vec<Wrap>,
        value: TokenStream,
        cfg: Vec<Attribute>,
    ) {
        let name = plain(ident);
        let fields = fields.into_iter().filter(|field| *field != name).collect();
        self.captures.push(Capture { name, fields, wraps, value: Captured::Reference(value), cfg });
    }

    /// What the user computes takes an argument's place, or stands behind all of them. It may use each of them.
    fn compute(&mut self, options: &Options) {
        let all = self.patterns.clone();
        for computed in &options.capture {
            let (name, value) = (plain(&computed.name), Captured::Computed(Box::new(computed.value.clone())));
            match self.captures.iter_mut().find(|capture| capture.name == name) {
                Some(capture) => (capture.value, capture.wraps) = (value, all.clone()),
                None => {
                    let (fields, wraps, cfg) = (Vec::new(), all.clone(), Vec::new());
                    self.captures.push(Capture { name, fields, wraps, value, cfg });
                }
            }
        }
    }

    /// Leaves it to the body which arguments it takes, and how.
    pub(crate) fn take_nothing(&mut self) {
        (self.taken, self.rebind) = (TokenStream::new(), TokenStream::new());
    }

    /// Whether there is one of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.captures.iter().any(|capture| capture.name == name)
    }

    /// Elements of an array of the names, in order, as people see them.
    pub(crate) fn names(&self) -> TokenStream {
        self.captures.iter().map(|Capture { name, cfg, .. }| quote!(#(#cfg)* #name,)).collect()
    }

    /// Forgets the arguments whose name does not satisfy `keep`. What the user computes stays.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.captures.retain(|capture| matches!(capture.value, Captured::Computed(_)) || keep(&capture.name));
    }

    /// Statements that write all arguments into `recorder`.
    pub(crate) fn record(&self, options: &Options, recorder: &Ident) -> TokenStream {
        self.captures.iter().map(|capture| capture.record(options, recorder)).collect()
    }
}

impl Capture {
    fn record(&self, options: &Options, recorder: &Ident) -> TokenStream {
        let (cfg, record) = (&self.cfg, self.record_always(options, recorder));
        // The block is there for the attribute: an `if` cannot have one.
        if cfg.is_empty() { record } else { quote!(#(#cfg)* { #record }) }
    }

    fn record_always(&self, options: &Options, recorder: &Ident) -> TokenStream {
        let Self { name, fields, .. } = self;
        if options.redacts(name) || fields.iter().any(|field| options.redacts(field)) {
            return quote!(#recorder.redacted(#name););
        }
        if matches!(self.value, Captured::Reference(_)) && options.skips(name) {
            return quote!(#recorder.skipped(#name););
        }
        let (span, put) = (Span::mixed_site(), self.put(recorder));
        let wanted = match fields.is_empty() {
            true => quote!(#recorder.argument(#name)),
            false => quote!(#recorder.argument_from(&[#(#fields),*], #name)),
        };
        let put = quote_spanned!(span=> if #wanted { #put });
        self.wraps.iter().fold(put, |inside, Wrap { pattern, whole }| {
            // Bindings of the same pattern that this capture does not look at are unused in it.
            quote_spanned! {span=>
                #[allow(unused_variables, irrefutable_let_patterns, clippy::toplevel_ref_arg)]
                if let #pattern = #whole { #inside }
            }
        })
    }

    fn put(&self, recorder: &Ident) -> TokenStream {
        let (span, p) = (Span::mixed_site(), quote!(::glasshull::__private));
        match &self.value {
            Captured::Reference(value) => quote_spanned!(span=> (&&&&#p::Value(#value)).put(#recorder);),
            Captured::Computed(value) => quote_spanned! {span=>
                // Its own closure: it may not leave the function, and a panic in it ends there.
                #[allow(clippy::redundant_closure_call, clippy::needless_borrow)]
                match #p::compute(|| #value) {
                    ::core::result::Result::Ok(computed) => (&&&&#p::Value(&*computed)).put(#recorder),
                    ::core::result::Result::Err(failed) => failed.put(#recorder),
                }
            },
        }
    }
}

/// The attributes that say whether an argument is there.
fn conditions(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// The pattern as it matches a reference to what it was written for: each binding then borrows. A `&` in it goes: the
/// patterns below look through references by themselves.
fn borrowing(mut pattern: Pat, whole: &Ident) -> Wrap {
    let mut place = quote!(#whole);
    while let Pat::Reference(reference) = pattern {
        pattern = *reference.pat;
        place = quote!(*#place);
    }
    Borrowing.visit_pat_mut(&mut pattern);
    Wrap { pattern, whole: quote!(&#place) }
}

struct Borrowing;

impl VisitMut for Borrowing {
    fn visit_pat_mut(&mut self, pattern: &mut Pat) {
        while let Pat::Reference(reference) = pattern {
            *pattern = (*reference.pat).clone();
        }
        visit_mut::visit_pat_mut(self, pattern);
    }

    fn visit_pat_ident_mut(&mut self, ident: &mut PatIdent) {
        ident.mutability = None;
        ident.by_ref = None;
        visit_mut::visit_pat_ident_mut(self, ident);
    }
}

/// The names a pattern binds, in order, and the fields around each.
pub(crate) fn bound_names(pattern: &Pat) -> Vec<(Ident, Vec<String>)> {
    #[derive(Default)]
    struct Names {
        names: Vec<(Ident, Vec<String>)>,
        fields: Vec<String>,
    }
    impl<'a> Visit<'a> for Names {
        fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
            if !is_unit_struct(pattern) {
                self.names.push((pattern.ident.clone(), self.fields.clone()));
            }
            visit::visit_pat_ident(self, pattern);
        }

        fn visit_field_pat(&mut self, field: &'a FieldPat) {
            let Member::Named(name) = &field.member else { return visit::visit_field_pat(self, field) };
            self.fields.push(plain(name));
            visit::visit_field_pat(self, field);
            self.fields.pop();
        }
    }
    let mut names = Names::default();
    names.visit_pat(pattern);
    names.names
}

/// Whether what looks like a binding is the name of a unit struct. The macro cannot know; a capital letter tells.
fn is_unit_struct(PatIdent { by_ref, mutability, ident, subpat, .. }: &PatIdent) -> bool {
    let is_bare = by_ref.is_none() && mutability.is_none() && subpat.is_none();
    is_bare && plain(ident).starts_with(char::is_uppercase)
}
