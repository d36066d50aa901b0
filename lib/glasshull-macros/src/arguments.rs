use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{FieldPat, FnArg, Ident, Member, Pat, PatIdent, PatReference, Signature, Token};

use crate::options::{Options, plain};

/// The arguments of one function: how its signature takes them, how they are captured, and how they are handed on to
/// the body that moved into a closure.
#[derive(Default)]
pub(crate) struct Arguments {
    /// Names in order of declaration, as people see them.
    pub(crate) names: Vec<String>,
    /// For each name, an expression that is a reference to its value.
    captures: Vec<Capture>,
    /// First statements of the moved body: binds each argument as the signature did.
    pub(crate) rebind: TokenStream,
}

struct Capture {
    name: String,
    /// Fields a pattern takes it from, where they are named otherwise: `pw` in `Login { password: pw }`.
    fields: Vec<String>,
    /// Brings `value` into scope around the statement that uses it.
    wrap: Option<(Pat, TokenStream)>,
    value: TokenStream,
}

impl Arguments {
    /// Takes the patterns out of the signature, leaving plain names in it.
    ///
    /// Inside the closure each argument is bound again, in order, by a statement of its own: locals are dropped in
    /// reverse order, so the drop order is that of the function as it was written, also for what a pattern ignores.
    pub(crate) fn take_from(signature: &mut Signature) -> Self {
        let mut arguments = Self::default();
        for (place, input) in signature.inputs.iter_mut().enumerate() {
            match input {
                FnArg::Receiver(receiver) => arguments.receiver(&receiver.self_token),
                FnArg::Typed(typed) => arguments.typed(place, &mut typed.pat),
            }
        }
        arguments
    }

    /// Names the arguments without changing how the body sees them, for a body that stays where it is.
    pub(crate) fn of(signature: &Signature) -> Self {
        let mut arguments = Self::default();
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(receiver) => arguments.receiver(&receiver.self_token),
                FnArg::Typed(typed) => {
                    for (name, fields) in bound_names(&typed.pat) {
                        arguments.capture(&name, fields, None, quote!(&#name));
                    }
                }
            }
        }
        arguments
    }

    fn receiver(&mut self, receiver: &Token![self]) {
        // A reference to the whole of it makes the closure take the whole of it, as a function does.
        self.rebind.extend(quote!(let _ = &#receiver;));
        self.captures.push(Capture { name: "self".into(), fields: Vec::new(), wrap: None, value: quote!(&#receiver) });
        self.names.push("self".into());
    }

    fn typed(&mut self, place: usize, pat: &mut Box<Pat>) {
        if let Pat::Ident(PatIdent { ident, mutability, by_ref: None, subpat: None, .. }) = &mut **pat {
            let ident = ident.clone();
            let mutability = mutability.take();
            self.rebind.extend(quote!(let #mutability #ident = #ident;));
            self.capture(&ident, Vec::new(), None, quote!(&#ident));
            return;
        }
        let whole = format_ident!("__glasshull_argument_{place}", span = Span::mixed_site());
        let original = std::mem::replace(&mut **pat, syn::parse_quote!(#whole));
        self.rebind.extend(quote!(let #whole = #whole; let #original = #whole;));
        let Some((borrowed, value)) = by_reference(&original, &whole) else { return };
        for (name, fields) in bound_names(&original) {
            self.capture(&name, fields, Some((borrowed.clone(), value.clone())), quote!(#name));
        }
    }

    fn capture(&mut self, ident: &Ident, fields: Vec<String>, wrap: Option<(Pat, TokenStream)>, value: TokenStream) {
        let name = plain(ident);
        let fields = fields.into_iter().filter(|field| *field != name).collect();
        self.names.push(name.clone());
        self.captures.push(Capture { name, fields, wrap, value });
    }

    /// Forgets the arguments whose name does not satisfy `keep`.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.names.retain(|name| keep(name));
        self.captures.retain(|capture| keep(&capture.name));
    }

    /// Statements that write all arguments into `recorder`.
    pub(crate) fn record(&self, options: &Options, recorder: &Ident) -> TokenStream {
        self.captures.iter().map(|capture| capture.record(options, recorder)).collect()
    }
}

impl Capture {
    fn record(&self, options: &Options, recorder: &Ident) -> TokenStream {
        let Self { name, fields, .. } = self;
        if options.redacts(name) || fields.iter().any(|field| options.redacts(field)) {
            return quote!(#recorder.redacted(#name););
        }
        if options.skips(name) {
            return quote!(#recorder.skipped(#name););
        }
        let value = &self.value;
        let p = quote!(::glasshull::__private);
        let span = Span::mixed_site();
        let wanted = match fields.is_empty() {
            true => quote!(#recorder.argument(#name)),
            false => quote!(#recorder.argument_from(&[#(#fields),*], #name)),
        };
        let put = quote_spanned! {span=>
            if #wanted { (&&&#p::Value(#value)).put(#recorder); }
        };
        match &self.wrap {
            None => put,
            // Bindings of the same pattern that this capture does not look at are unused in it.
            Some((pattern, whole)) => quote_spanned! {span=>
                #[allow(unused_variables, irrefutable_let_patterns)]
                if let #pattern = #whole { #put }
            },
        }
    }
}

/// The pattern as it matches a reference to the argument, and that reference. None where it cannot be matched so:
/// its bindings are then not captured.
fn by_reference(original: &Pat, whole: &Ident) -> Option<(Pat, TokenStream)> {
    let (mut pattern, value) = match original {
        Pat::Reference(reference) => ((*reference.pat).clone(), quote!(#whole)),
        _ => (original.clone(), quote!(&#whole)),
    };
    let mut bindings = Bindings { borrow: true };
    bindings.visit_pat_mut(&mut pattern);
    bindings.borrow.then_some((pattern, value))
}

/// The names a pattern binds, in order, and the fields around each.
fn bound_names(pat: &Pat) -> Vec<(Ident, Vec<String>)> {
    #[derive(Default)]
    struct Names {
        names: Vec<(Ident, Vec<String>)>,
        fields: Vec<String>,
    }
    impl<'a> Visit<'a> for Names {
        fn visit_pat_ident(&mut self, pat: &'a PatIdent) {
            self.names.push((pat.ident.clone(), self.fields.clone()));
            visit::visit_pat_ident(self, pat);
        }

        fn visit_field_pat(&mut self, field: &'a FieldPat) {
            let Member::Named(name) = &field.member else { return visit::visit_field_pat(self, field) };
            self.fields.push(plain(name));
            visit::visit_field_pat(self, field);
            self.fields.pop();
        }
    }
    let mut names = Names::default();
    names.visit_pat(pat);
    names.names
}

/// Makes the bindings of a pattern borrow.
struct Bindings {
    /// Whether they can: a `&` below the top cannot be matched through a reference.
    borrow: bool,
}

impl VisitMut for Bindings {
    fn visit_pat_ident_mut(&mut self, ident: &mut PatIdent) {
        ident.mutability = None;
        ident.by_ref = None;
        visit_mut::visit_pat_ident_mut(self, ident);
    }

    fn visit_pat_reference_mut(&mut self, _: &mut PatReference) {
        self.borrow = false;
    }
}
