use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Type, parse_quote};

/// The return type as it may be written on a closure or a `let`: each `impl Trait` in it is left to inference.
pub(crate) fn inferable(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => {
            let mut ty = (**ty).clone();
            ImplTraits.visit_type_mut(&mut ty);
            ty
        }
    }
}

pub(crate) fn is_never(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
}

/// Statements for the head of an `async` block that tell the compiler the type of its `return`s.
pub(crate) fn return_type_hint(ty: &Type) -> TokenStream {
    quote! {
        #[allow(unknown_lints, unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop,
            clippy::let_unit_value, clippy::let_with_type_underscore, clippy::needless_return)]
        if false {
            let __glasshull_never: #ty = loop {};
            return __glasshull_never;
        }
    }
}

struct ImplTraits;

impl VisitMut for ImplTraits {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            // In `fn(..) -> T` and in bounds `impl Trait` is not allowed, and `_` is not either.
            Type::BareFn(_) | Type::TraitObject(_) => {}
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}
