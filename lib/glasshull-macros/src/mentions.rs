//! Whether a block uses a variable from outside it.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Arm, Block, Expr, ExprClosure, ExprForLoop, ExprIf, ExprWhile, Item, Local, Macro, Pat, Token};

use crate::arguments::bound_names;
use crate::options::plain;

/// Macros of which a text may name variables: `{name}`.
const FORMATTING: &[&str] = &[
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "debug",
    "debug_assert",
    "ensure",
    "eprint",
    "eprintln",
    "error",
    "format",
    "format_args",
    "info",
    "panic",
    "print",
    "println",
    "todo",
    "trace",
    "unimplemented",
    "unreachable",
    "warn",
    "write",
    "writeln",
];

/// Whether the block uses the variable `name` of the code around it. In a macro whose input is not a list of expressions
/// nobody can tell; then it does not, since what is said to be used has to be moved into the block.
pub(crate) fn mentions(block: &Block, name: &str) -> bool {
    let mut search = Search { name, shadowed: false, found: false };
    search.visit_block(block);
    search.found
}

struct Search<'n> {
    name: &'n str,
    /// Whether the name stands for something else here.
    shadowed: bool,
    found: bool,
}

impl Search<'_> {
    /// Looks at what follows `pattern` in its scope. The scope ends with `inside`.
    fn below<'a>(&mut self, pattern: impl IntoIterator<Item = &'a Pat>, inside: impl FnOnce(&mut Self)) {
        let before = self.shadowed;
        pattern.into_iter().for_each(|pattern| self.bind(pattern));
        inside(self);
        self.shadowed = before;
    }

    fn bind(&mut self, pattern: &Pat) {
        self.shadowed |= bound_names(pattern).iter().any(|(name, _)| plain(name) == self.name);
    }

    /// What stands in the text of a formatting macro.
    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some((_, behind)) = rest.split_once('{') {
            rest = behind.strip_prefix('{').unwrap_or(behind);
            let named = rest.strip_prefix(self.name).unwrap_or_default();
            self.found |= !self.shadowed && rest.len() == behind.len() && named.starts_with(['}', ':']);
        }
    }
}

impl<'a> Visit<'a> for Search<'_> {
    fn visit_expr_path(&mut self, path: &'a syn::ExprPath) {
        let is_it = path.path.get_ident().is_some_and(|ident| plain(ident) == self.name);
        self.found |= is_it && !self.shadowed;
    }

    fn visit_block(&mut self, block: &'a Block) {
        self.below([], |search| visit::visit_block(search, block));
    }

    fn visit_local(&mut self, local: &'a Local) {
        // What it is given, and where it goes if that does not match, stand before the binding.
        visit::visit_local(self, local);
        self.bind(&local.pat);
    }

    fn visit_expr_let(&mut self, condition: &'a syn::ExprLet) {
        visit::visit_expr_let(self, condition);
        self.bind(&condition.pat);
    }

    fn visit_expr_if(&mut self, branch: &'a ExprIf) {
        self.below([], |search| {
            search.visit_expr(&branch.cond);
            search.visit_block(&branch.then_branch);
        });
        branch.else_branch.iter().for_each(|(_, otherwise)| self.visit_expr(otherwise));
    }

    fn visit_expr_while(&mut self, repeated: &'a ExprWhile) {
        self.below([], |search| visit::visit_expr_while(search, repeated));
    }

    fn visit_expr_for_loop(&mut self, repeated: &'a ExprForLoop) {
        self.visit_expr(&repeated.expr);
        self.below([&*repeated.pat], |search| search.visit_block(&repeated.body));
    }

    fn visit_arm(&mut self, arm: &'a Arm) {
        self.below([&arm.pat], |search| visit::visit_arm(search, arm));
    }

    fn visit_expr_closure(&mut self, closure: &'a ExprClosure) {
        self.below(&closure.inputs, |search| search.visit_expr(&closure.body));
    }

    /// An item sees no variables.
    fn visit_item(&mut self, _: &'a Item) {}

    fn visit_macro(&mut self, called: &'a Macro) {
        let name = called.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        let Some(expressions) = expressions(called.tokens.clone()) else { return };
        let mut names_it = false;
        for expression in &expressions {
            // `format!("{a}", a = b)`: there `a` is no variable.
            let (given, value) = match expression {
                Expr::Assign(named) => (Some(&*named.left), &*named.right),
                other => (None, other),
            };
            names_it |= matches!(given, Some(Expr::Path(path)) if path.path.is_ident(self.name));
            self.visit_expr(value);
        }
        if FORMATTING.contains(&name.as_str()) && !names_it {
            called.tokens.clone().into_iter().for_each(|token| self.literal(&token));
        }
    }
}

impl Search<'_> {
    fn literal(&mut self, token: &TokenTree) {
        if let TokenTree::Literal(literal) = token
            && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
        {
            self.text(&text.value());
        }
    }
}

/// The expressions a macro is given: `a, b` or `a; b`.
fn expressions(tokens: TokenStream) -> Option<Vec<Expr>> {
    let by_comma = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone());
    let by_semicolon = || Punctuated::<Expr, Token![;]>::parse_terminated.parse2(tokens);
    match by_comma {
        Ok(all) => Some(all.into_iter().collect()),
        Err(_) => Some(by_semicolon().ok()?.into_iter().collect()),
    }
}
