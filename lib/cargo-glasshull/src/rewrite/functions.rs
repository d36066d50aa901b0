//! Finds the functions of a file.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{AttrStyle, Attribute, Block, Ident, ImplItemFn, ItemFn, ItemImpl, ItemMod, ItemTrait, Meta, Signature};
use syn::{Token, TraitItemFn, Type, TypeParamBound};

use super::tokens::Tokens;
use super::{File, Function, Insertion, PassedOver, Rewritten, Why};

pub(super) const ATTRIBUTE: &str = "::glasshull::trace";
pub(super) const START: &str = "::glasshull_start::start();";
const DECLARED: &str = "extern crate glasshull; extern crate glasshull_start;";

/// A file that another one names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum NamedFile {
    /// A module.
    Module {
        /// Its own name, and those of the inline modules around it, outermost first.
        names: Vec<String>,
        /// What `#[path = ".."]` says.
        path: Option<String>,
    },
    /// What `include!("..")` takes in.
    Included {
        /// The inline modules around, outermost first.
        inside: Vec<String>,
        path: String,
    },
}

/// Attributes under whose names test harnesses find their functions.
const TESTS: &[&str] =
    &["test", "bench", "rstest", "test_case", "test_matrix", "quickcheck", "wasm_bindgen_test", "proptest"];

/// Traits whose methods run while a value is captured.
const CAPTURING: &[&str] = &["Debug", "Display", "Serialize", "Error"];

const ALLOCATING: &[&str] = &["GlobalAlloc", "Allocator"];

const IN_MACRO: &str = "inside a macro";

const ABIS: &[&str] = &["C", "C-unwind", "Rust", "system", "system-unwind", "sysv64", "win64"];

pub(super) struct Finder<'a> {
    file: &'a File<'a>,
    tokens: &'a Tokens<'a>,
    pass_over: &'a dyn Fn(&str, &str) -> Option<Why>,
    /// Inline modules around.
    inside: Vec<String>,
    /// The type or trait around.
    owner: Option<String>,
    /// Why nothing here is instrumented.
    blocked: Option<&'static str>,
    /// Functions around.
    depth: usize,
    pub(super) found: Rewritten,
}

/// A function, wherever it stands.
struct Found<'a> {
    attributes: &'a [Attribute],
    signature: &'a Signature,
    body: Option<&'a Block>,
    span: proc_macro2::Span,
}

impl<'a> Finder<'a> {
    pub(super) fn new(
        file: &'a File<'a>,
        tokens: &'a Tokens<'a>,
        pass_over: &'a dyn Fn(&str, &str) -> Option<Why>,
    ) -> Self {
        let found = Rewritten::default();
        Self { file, tokens, pass_over, inside: Vec::new(), owner: None, blocked: file.blocked, depth: 0, found }
    }

    /// Declares what the attributes name, before the first item.
    pub(super) fn declare_crates(&mut self, syntax: &syn::File) {
        if let Some(first) = syntax.items.first() {
            let (at, text) = self.tokens.before(self.tokens.place(first.span()).start, DECLARED);
            self.found.insertions.push(Insertion { at, text, function: None });
        }
    }

    fn function(&mut self, function: &Found<'_>) {
        let path = self.path(&function.signature.ident);
        let range = self.tokens.place(function.span);
        let text = &self.file.text[range.clone()];
        if function.body.is_none() {
            return;
        }
        if self.begins_capturing(function) && self.blocked.is_none() {
            return self.start(function);
        }
        let why = self.blocked.or_else(|| refused(function)).map(Why::from);
        match why.or_else(|| (self.pass_over)(&path, text)) {
            Some(why) => self.pass(function.signature.ident.span(), path, why),
            None => {
                let attribute = self.attribute(&function.signature.ident);
                self.found.attach(self.tokens, Function { path, range }, &attribute);
            }
        }
    }

    /// Alone on a method, the attribute cannot see the type.
    fn attribute(&self, name: &Ident) -> String {
        match &self.owner {
            Some(owner) => format!("#[{ATTRIBUTE}(name = \"{owner}::{}\")]", name.unraw()),
            None => format!("#[{ATTRIBUTE}]"),
        }
    }

    fn path(&self, name: &Ident) -> String {
        self.path_of(&name.unraw().to_string())
    }

    fn path_of(&self, name: &str) -> String {
        let inside = self.inside.iter().chain(&self.owner).map(String::as_str);
        std::iter::once(self.file.module).chain(inside).chain([name]).collect::<Vec<_>>().join("::")
    }

    fn pass(&mut self, span: proc_macro2::Span, path: String, why: impl Into<Why>) {
        let line = self.tokens.line(self.tokens.place(span).start);
        self.found.passed_over.push(PassedOver { line, path, why: why.into() });
    }

    /// The `main` of a program, and each test of a harness.
    fn begins_capturing(&self, function: &Found<'_>) -> bool {
        let at_root = self.inside.is_empty() && self.owner.is_none() && self.depth == 0;
        let is_main = at_root && self.file.is_program && function.signature.ident == "main";
        is_main || function.attributes.iter().any(|attribute| is_one_of(attribute, TESTS))
    }

    fn start(&mut self, function: &Found<'_>) {
        self.found.starts += 1;
        let Some(body) = function.body else { return };
        let starts_itself = self.file.text[self.tokens.place(body.span())].contains("glasshull");
        if starts_itself || function.signature.constness.is_some() {
            return;
        }
        let inner = function.attributes.iter().filter(|attribute| matches!(attribute.style, AttrStyle::Inner(_)));
        let brace = self.tokens.place(body.brace_token.span.open());
        let head = inner
            .map(|attribute| self.tokens.place(attribute.span()))
            .fold(brace, |last, attribute| if attribute.start > last.start { attribute } else { last });
        let (at, text) = self.tokens.after(head, START);
        self.found.insertions.push(Insertion { at, text, function: None });
    }

    /// Visits what is inside with another owner, and perhaps a reason to pass all of it over.
    fn within(&mut self, owner: Option<String>, blocked: Option<&'static str>, visit: impl FnOnce(&mut Self)) {
        let before = (std::mem::replace(&mut self.owner, owner), self.blocked);
        self.blocked = self.blocked.or(blocked);
        visit(self);
        (self.owner, self.blocked) = before;
    }

    /// Items in a function's body have no owner, and none of the reasons of its block.
    fn body(&mut self, visit: impl FnOnce(&mut Self)) {
        let blocked = std::mem::replace(&mut self.blocked, self.file.blocked);
        self.depth += 1;
        self.within(None, None, visit);
        self.depth -= 1;
        self.blocked = blocked;
    }

    /// Functions in a macro's tokens are told of; files it declares as modules are followed, as `cfg_if!` does.
    fn macro_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for window in tokens.windows(2) {
            match window {
                [TokenTree::Ident(word), TokenTree::Ident(name)] if word == "fn" => {
                    self.pass(name.span(), self.path(name), IN_MACRO);
                }
                [TokenTree::Ident(word), TokenTree::Punct(dollar)] if word == "fn" && dollar.as_char() == '$' => {
                    self.pass(word.span(), self.path_of("$"), IN_MACRO);
                }
                _ => {}
            }
        }
        for window in tokens.windows(3) {
            if let [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(end)] = window
                && word == "mod"
                && end.as_char() == ';'
            {
                self.module_file(name, None);
            }
        }
        for token in tokens {
            if let TokenTree::Group(group) = token {
                self.macro_tokens(group.stream());
            }
        }
    }

    fn module_file(&mut self, name: &Ident, path: Option<String>) {
        let names = self.inside.iter().cloned().chain([name.unraw().to_string()]).collect();
        self.found.files.push(NamedFile::Module { names, path });
    }

    /// A file that is taken in where items stand, if it can be told which.
    fn included_file(&mut self, item: &syn::Macro) {
        match item.parse_body::<syn::LitStr>() {
            Ok(path) => {
                let (inside, path) = (self.inside.clone(), path.value());
                self.found.files.push(NamedFile::Included { inside, path });
            }
            Err(_) => self.pass(item.span(), self.path_of("*"), "in a file that is made by the build"),
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let (attributes, signature, body) = (&item.attrs, &item.sig, Some(&*item.block));
        self.function(&Found { attributes, signature, body, span: item.span() });
        self.body(|finder| visit::visit_item_fn(finder, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        let (attributes, signature, body) = (&item.attrs, &item.sig, Some(&item.block));
        self.function(&Found { attributes, signature, body, span: item.span() });
        self.body(|finder| visit::visit_impl_item_fn(finder, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        let (attributes, signature, body) = (&item.attrs, &item.sig, item.default.as_ref());
        self.function(&Found { attributes, signature, body, span: item.span() });
        self.body(|finder| visit::visit_trait_item_fn(finder, item));
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let implemented = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        let is = |names: &[&str]| implemented.is_some_and(|segment| names.iter().any(|name| segment.ident == name));
        let blocked = if is(ALLOCATING) {
            Some("of an allocator")
        } else if is(CAPTURING) {
            Some("run by capturing itself")
        } else {
            traced(&item.attrs)
        };
        self.within(type_name(&item.self_ty), blocked, |finder| visit::visit_item_impl(finder, item));
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        let owner = Some(item.ident.unraw().to_string());
        self.within(owner, traced(&item.attrs), |finder| visit::visit_item_trait(finder, item));
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.content.is_none() {
            let (plain, conditional) = paths_of(&item.attrs);
            let paths = [plain].into_iter().chain(conditional.into_iter().map(Some));
            return paths.for_each(|path| self.module_file(&item.ident, path));
        }
        self.inside.push(item.ident.unraw().to_string());
        self.within(None, traced(&item.attrs), |finder| visit::visit_item_mod(finder, item));
        self.inside.pop();
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.mac.path.is_ident("include") {
            self.included_file(&item.mac);
        }
        visit::visit_item_macro(self, item);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.macro_tokens(item.tokens.clone());
    }
}

/// Why a function cannot be instrumented.
fn refused(function: &Found<'_>) -> Option<&'static str> {
    let Signature { constness, variadic, abi, .. } = function.signature;
    let has = |names: &[&str]| function.attributes.iter().any(|attribute| is_one_of(attribute, names));
    let abi = abi.as_ref().and_then(|abi| abi.name.as_ref()).map(syn::LitStr::value);
    if constness.is_some() {
        Some("const fn")
    } else if variadic.is_some() || abi.is_some_and(|abi| !ABIS.contains(&abi.as_str())) {
        Some("of a special calling convention")
    } else if has(&["naked", "panic_handler", "alloc_error_handler", "interrupt", "entry"]) {
        Some("that must run no other code")
    } else {
        traced(function.attributes)
    }
}

/// What stands in a `cfg_attr`: its condition, and the attributes.
fn conditional(list: &syn::MetaList) -> Punctuated<Meta, Token![,]> {
    list.parse_args_with(Punctuated::parse_terminated).unwrap_or_default()
}

/// Whether the source has the attribute already.
fn traced(attributes: &[Attribute]) -> Option<&'static str> {
    let is_trace = |attribute: &Attribute| {
        let segments: Vec<String> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
        matches!(segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), ["trace"] | ["glasshull", "trace"])
    };
    attributes.iter().any(is_trace).then_some("with an attribute of their own")
}

/// By the last part of the attribute's path: `test` and `tokio::test`, `naked` and `unsafe(naked)`.
fn is_one_of(attribute: &Attribute, names: &[&str]) -> bool {
    let is = |ident: &Ident| names.iter().any(|name| ident == name);
    let inside_unsafe = || match &attribute.meta {
        Meta::List(list) if list.path.is_ident("unsafe") => {
            matches!(list.tokens.clone().into_iter().next(), Some(TokenTree::Ident(ident)) if is(&ident))
        }
        _ => false,
    };
    attribute.path().segments.last().is_some_and(|segment| is(&segment.ident)) || inside_unsafe()
}

/// What `#[path = ".."]` says, and what `#[cfg_attr(.., path = "..")]` may say.
fn paths_of(attributes: &[Attribute]) -> (Option<String>, Vec<String>) {
    let (mut plain, mut others) = (None, Vec::new());
    for attribute in attributes {
        match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => plain = text_of(&pair.value),
            Meta::List(list) if list.path.is_ident("cfg_attr") => {
                let all = conditional(list);
                let paths = all.iter().skip(1).filter_map(|meta| meta.require_name_value().ok());
                others.extend(paths.filter(|pair| pair.path.is_ident("path")).filter_map(|pair| text_of(&pair.value)));
            }
            _ => {}
        }
    }
    (plain, others)
}

fn text_of(value: &syn::Expr) -> Option<String> {
    match value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// The name under which the attribute on the whole block would know the type.
fn type_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.unraw().to_string()),
        Type::Reference(reference) => type_name(&reference.elem),
        Type::Paren(paren) => type_name(&paren.elem),
        Type::Group(group) => type_name(&group.elem),
        Type::TraitObject(object) => object.bounds.iter().find_map(|bound| match bound {
            TypeParamBound::Trait(bound) => bound.path.segments.last().map(|segment| segment.ident.unraw().to_string()),
            _ => None,
        }),
        _ => None,
    }
}
