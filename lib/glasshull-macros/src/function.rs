use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Attribute, Block, Error, Expr, ExprAsync, GenericArgument, Ident, PathArguments, Result, ReturnType, Signature,
    Stmt, Type, TypeParamBound, parse_quote,
};

use crate::arguments::Arguments;
use crate::attributes::have_macros;
use crate::mentions::mentions;
use crate::options::{Options, plain};
use crate::output::{inferable, is_never, return_type_hint};

/// Functions of `glasshull::__private` that begin calls.
const SYNCHRONOUS: &str = "enter";
const ASYNCHRONOUS: &str = "enter_async";

/// A function with a body, wherever it stands.
pub(crate) struct Function<'a> {
    pub(crate) attributes: &'a [Attribute],
    pub(crate) signature: &'a mut Signature,
    pub(crate) body: &'a mut Block,
    /// The type or trait it belongs to, where the attribute stands on the block around it.
    pub(crate) owner: Option<&'a str>,
}

/// Why a function is left as it is.
pub(crate) fn unwrappable(attributes: &[Attribute], signature: &Signature) -> Option<&'static str> {
    if signature.constness.is_some() {
        return Some("a `const fn` cannot be traced: it may run in the compiler, where nothing can be recorded");
    }
    if signature.variadic.is_some() {
        return Some("a function with `...` cannot be traced");
    }
    let has = |name: &str| attributes.iter().any(|attribute| names(attribute, name));
    if has("naked") || has("panic_handler") || has("alloc_error_handler") {
        return Some("this function cannot be traced: it must not run other code");
    }
    None
}

fn names(attribute: &Attribute, name: &str) -> bool {
    let inside_unsafe = || {
        matches!(&attribute.meta, syn::Meta::List(list) if list.path.is_ident("unsafe")
        && list.tokens.clone().into_iter().next().is_some_and(|token| token.to_string() == name))
    };
    attribute.path().is_ident(name) || inside_unsafe()
}

impl Function<'_> {
    /// Rewrites the function so that its calls can be captured.
    pub(crate) fn wrap(mut self, options: &Options, direct: bool) -> Result<()> {
        if let Some(reason) = unwrappable(self.attributes, self.signature) {
            return if direct { Err(Error::new(self.signature.fn_token.span, reason)) } else { Ok(()) };
        }
        if direct {
            options.check_for_function(&Arguments::of(self.signature, options))?;
        }
        let body = if self.signature.asyncness.is_some() {
            self.asynchronous(options)
        } else if let Some((future, output)) = self.returned_future() {
            return self.wrap_returned_future(options, future, output);
        } else if self.must_stay_in_place() {
            self.guarded(options)
        } else {
            self.synchronous(options)
        };
        self.body.stmts = vec![Stmt::Expr(Expr::Verbatim(body), None)];
        Ok(())
    }

    /// The body moves into a closure that is called at once: `return` and `?` then end the closure, and what they
    /// give can be looked at. Around that stands another, which says how a call is captured: made twice, in the function
    /// itself for calls that are not, and apart for those that are, it leaves nothing of capturing where it is off.
    fn synchronous(&mut self, options: &Options) -> TokenStream {
        let arguments = Arguments::take_from(self.signature, options);
        let (body, ty) = (&*self.body, inferable(&self.signature.output));
        let [on, call, returned, value] = locals(["on", "call", "returned", "value"]);
        let (site, begin) = (self.site(&arguments, options), begin(&arguments, options, SYNCHRONOUS));
        let finish = finish(&call, &quote!(&#returned));
        let (rebind, p) = (&arguments.rebind, quote!(::glasshull::__private));
        quote_spanned! {Span::mixed_site()=>
            #site
            #[allow(clippy::let_unit_value, clippy::redundant_closure_call, clippy::unit_arg)]
            #p::either(__GLASSHULL_SITE.is_on(), #[inline(always)] move |#on: bool| -> #ty {
                #[allow(unused_mut)]
                let mut #call = if #on { #begin } else { #p::Call::off() };
                let #returned = #p::call_once(#[inline(always)] move || -> #ty {
                    #rebind
                    #[allow(clippy::diverging_sub_expression, clippy::let_unit_value, clippy::let_with_type_underscore)]
                    let #value: #ty = #body;
                    #[allow(unreachable_code, clippy::needless_return)]
                    return #value;
                });
                if #on { #finish }
                #[allow(clippy::needless_return)]
                return #returned;
            })
        }
    }

    /// The body moves into a future that says how its call is captured. The function gives that, as a plain function:
    /// another future around it would hold the arguments once more. It stays `async` where that must be.
    fn asynchronous(&mut self, options: &Options) -> TokenStream {
        let arguments = Arguments::take_from(self.signature, options);
        let is_never = is_never(&self.signature.output);
        let ty = if is_never { parse_quote!(::core::convert::Infallible) } else { inferable(&self.signature.output) };
        let body = &*self.body;
        let running = self.running(&arguments, options, &ty, &[], &quote!(#body));
        if is_never {
            return quote!(match #running.await {});
        }
        if options.stays_async || self.must_stay_async() {
            return quote!(#running.await);
        }
        self.signature.asyncness = None;
        self.signature.output = future_of(&self.signature.output);
        running
    }

    /// Attributes that are expanded later may want an `async fn`.
    fn must_stay_async(&self) -> bool {
        self.must_stay_in_place() || have_macros(self.attributes)
    }

    /// A future that does what an `async` block does, and begins its call as the first thing in it. The body is made where
    /// it stays, so that it is there once only.
    fn running(
        &self,
        arguments: &Arguments,
        options: &Options,
        ty: &Type,
        attributes: &[Attribute],
        body: &TokenStream,
    ) -> TokenStream {
        let (site, begin) = (self.site(arguments, options), begin(arguments, options, ASYNCHRONOUS));
        let [call, returned, value] = locals(["call", "returned", "value"]);
        let (hint, p) = (return_type_hint(ty), quote!(::glasshull::__private));
        let (finish, Arguments { taken, rebind, .. }) = (finish(&call, &quote!(#returned)), arguments);
        quote_spanned! {Span::mixed_site()=> {
            #site
            #p::run(
                || &__GLASSHULL_SITE,
                #(#attributes)* async move {
                    #taken
                    if __GLASSHULL_SITE.is_on() { #p::begin_apart(|| #begin) }
                    #hint
                    #rebind
                    #[allow(clippy::diverging_sub_expression, clippy::let_unit_value, clippy::let_with_type_underscore)]
                    let #value: #ty = #body;
                    #[allow(unreachable_code, clippy::needless_return)]
                    return #value;
                },
                |#returned: &_, #call: &mut #p::AsyncCall| { #finish },
            )
        }}
    }

    /// The body stays where it is, so that what it says of itself stays true; its returned value is not captured.
    fn guarded(&mut self, options: &Options) -> TokenStream {
        let open = self.open(&Arguments::of(self.signature, options), options);
        let [call] = locals(["call"]);
        let body = &*self.body;
        quote_spanned! {Span::mixed_site()=>
            #[allow(unused_mut)]
            let mut #call = #open;
            #body
        }
    }

    fn must_stay_in_place(&self) -> bool {
        let has = |name: &str| self.attributes.iter().any(|attribute| names(attribute, name));
        is_never(&self.signature.output) || has("track_caller") || has("target_feature")
    }

    /// The function's site, and an expression for a call that is open if the function is being captured.
    fn open(&self, arguments: &Arguments, options: &Options) -> TokenStream {
        let (site, begin) = (self.site(arguments, options), begin(arguments, options, SYNCHRONOUS));
        let p = quote!(::glasshull::__private);
        quote_spanned! {Span::mixed_site()=> {
            #site
            if __GLASSHULL_SITE.is_on() { #begin } else { #p::Call::off() }
        }}
    }

    fn site(&self, arguments: &Arguments, options: &Options) -> TokenStream {
        let names = arguments.names();
        let is_async = self.signature.asyncness.is_some() || self.returned_future().is_some();
        let own = options.name.as_ref().map_or_else(|| plain(&self.signature.ident), |name| name.value());
        let path = self.owner.map_or_else(|| own.clone(), |owner| format!("{owner}::{own}"));
        let p = quote!(::glasshull::__private);
        // The line is that of the function's name, also when the attribute stands on a block. In the edition of 2015, where
        // that name may be at home, `::core` is not known.
        let line = quote_spanned!(self.signature.ident.span()=> ::glasshull::__private::line!());
        quote! {
            static __GLASSHULL_SITE: #p::Site = #p::Site::new(
                ::core::concat!(::core::module_path!(), "::", #path), ::core::file!(), #line, &[#names], #is_async,
            );
            #[#p::linkme::distributed_slice(#p::SITES)]
            #[linkme(crate = #p::linkme)]
            static __GLASSHULL_LISTED: &#p::Site = &__GLASSHULL_SITE;
        }
    }

    /// Where the function's last expression is an `async` block, or one pinned in a box (what `async_trait` makes of
    /// an `async fn`), and the signature tells what it gives: the place of the block, and that type.
    fn returned_future(&self) -> Option<(ExprAsync, Type)> {
        let output = future_output(&self.signature.output)?;
        let mut future = match self.body.stmts.last()? {
            Stmt::Expr(expression, None) => expression.clone(),
            _ => return None,
        };
        match async_block(&mut future)? {
            Expr::Async(block) if block.capture.is_some() => Some((block.clone(), output)),
            _ => None,
        }
    }

    fn wrap_returned_future(&mut self, options: &Options, future: ExprAsync, output: Type) -> Result<()> {
        let mut arguments = Arguments::of(self.signature, options);
        // What the block does not mention it does not capture, and must not begin to: it may not be `Send`, or may
        // be gone by then.
        let only_expression = self.body.stmts.len() == 1;
        arguments.retain(|name| only_expression && mentions(&future.block, name));
        arguments.take_nothing();
        let body = &future.block;
        let running = self.running(&arguments, options, &output, &future.attrs, &quote!(#body));
        if let Some(Stmt::Expr(expression, None)) = self.body.stmts.last_mut()
            && let Some(block) = async_block(expression)
        {
            *block = Expr::Verbatim(running);
        }
        Ok(())
    }
}

fn locals<const N: usize>(names: [&str; N]) -> [Ident; N] {
    names.map(|name| format_ident!("__glasshull_{name}", span = Span::mixed_site()))
}

/// An expression that records the arguments and begins the call.
fn begin(arguments: &Arguments, options: &Options, enter: &str) -> TokenStream {
    let (enter, [recorder, entering]) = (format_ident!("{enter}"), locals(["recorder", "entering"]));
    let (record, p) = (arguments.record(options, &recorder), quote!(::glasshull::__private));
    quote_spanned! {Span::mixed_site()=> {
        #[allow(unused_imports)]
        use #p::specialize::*;
        let mut #entering = #p::#enter(&__GLASSHULL_SITE);
        if let ::core::option::Option::Some(#recorder) = #entering.recorder() {
            let _ = &*#recorder;
            #record
        }
        #entering.begin()
    }}
}

/// Captures what the call gave, if it is being captured.
fn finish(call: &Ident, returned: &TokenStream) -> TokenStream {
    let p = quote!(::glasshull::__private);
    let [out, split, word] = locals(["out", "split", "word"]);
    quote_spanned! {Span::mixed_site()=>
        if #call.is_open() {
            #[allow(unused_imports)]
            use #p::specialize::*;
            let #split = (&#p::Returned(#returned)).split();
            let #word = match #split {
                ::core::result::Result::Ok(value) => (&&&&#p::Value(value)).word(),
                ::core::result::Result::Err(_) => ::core::option::Option::None,
            };
            if let ::core::option::Option::Some(#word) = #word {
                #call.end_with(#word);
            } else {
                if let ::core::option::Option::Some(#out) = #call.end(#split.is_err()) {
                    match #split {
                        ::core::result::Result::Ok(value) => (&&&&#p::Value(value)).put(#out),
                        ::core::result::Result::Err(error) => (&&&&&#p::Failure(error)).put(#out),
                    }
                }
                #call.finish();
            }
        }
    }
}

/// What an `async fn` gives that is said to give this. Written by us it holds all that the function is given, whatever the
/// edition of whom it is written for.
fn future_of(output: &ReturnType) -> ReturnType {
    let ty = match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    let future = quote_spanned!(Span::mixed_site()=> impl ::core::future::Future<Output = #ty>);
    ReturnType::Type(Default::default(), Box::new(Type::Verbatim(future)))
}

/// The `X` of `impl Future<Output = X>` and `Pin<Box<dyn Future<Output = X>>>`.
fn future_output(output: &ReturnType) -> Option<Type> {
    match output {
        ReturnType::Type(_, ty) => output_of(ty),
        ReturnType::Default => None,
    }
}

fn output_of(ty: &Type) -> Option<Type> {
    match ty {
        Type::ImplTrait(ty) => ty.bounds.iter().find_map(output_of_bound),
        Type::TraitObject(ty) => ty.bounds.iter().find_map(output_of_bound),
        Type::Path(ty) => match &ty.path.segments.last()?.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => output_of(ty),
                _ => None,
            }),
            _ => None,
        },
        Type::Paren(ty) => output_of(&ty.elem),
        _ => None,
    }
}

fn output_of_bound(bound: &TypeParamBound) -> Option<Type> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    let future = bound.path.segments.last().filter(|segment| segment.ident == "Future")?;
    let PathArguments::AngleBracketed(arguments) = &future.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(ty) if ty.ident == "Output" => {
            let inner = &ty.ty;
            Some(inferable(&parse_quote!(-> #inner)))
        }
        _ => None,
    })
}

fn async_block(expression: &mut Expr) -> Option<&mut Expr> {
    match expression {
        Expr::Async(_) => Some(expression),
        Expr::Call(call) if is_box_pin(&call.func) && call.args.len() == 1 => async_block(call.args.first_mut()?),
        _ => None,
    }
}

fn is_box_pin(function: &Expr) -> bool {
    let Expr::Path(path) = function else { return false };
    let segments: Vec<_> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    matches!(segments.as_slice(), [.., ty, pin] if ty == "Box" && pin == "pin")
}
