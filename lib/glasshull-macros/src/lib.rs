//! The attribute macro of [Glasshull](https://docs.rs/glasshull); use it as `#[glasshull::trace]`, where it is
//! described. It parses, and emits calls into `glasshull::__private`; nothing else happens here.

#[cfg(feature = "enabled")]
mod arguments;
#[cfg(feature = "enabled")]
mod attributes;
#[cfg(feature = "enabled")]
mod blanket;
#[cfg(feature = "enabled")]
mod function;
#[cfg(feature = "enabled")]
mod mentions;
#[cfg(feature = "enabled")]
mod options;
#[cfg(feature = "enabled")]
mod output;

use proc_macro::TokenStream;

/// Makes a function traceable; see the documentation of `glasshull::trace`.
#[cfg(feature = "enabled")]
#[proc_macro_attribute]
pub fn trace(options: TokenStream, item: TokenStream) -> TokenStream {
    blanket::expand(options.into(), item.into()).into()
}

/// Leaves the item as it is, as the feature `enabled` is off.
#[cfg(not(feature = "enabled"))]
#[proc_macro_attribute]
pub fn trace(_options: TokenStream, item: TokenStream) -> TokenStream {
    item
}
