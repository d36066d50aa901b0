use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemTrait, Result, TraitItem, Type,
};

use crate::function::Function;
use crate::options::{Options, plain};

/// Expands the attribute on whatever it stands on. An error is reported beside the unchanged item, so that one
/// mistake does not make a hundred.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(options, item.clone()) {
        Ok(expanded) => expanded,
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    }
}

fn try_expand(options: TokenStream, tokens: TokenStream) -> Result<TokenStream> {
    let options: Options = syn::parse2(options)?;
    // A method parses as an `ItemFn` too, but for `default fn`, and a required method of a trait does not.
    if let Ok(mut function) = syn::parse2::<ItemFn>(tokens.clone()) {
        wrap_item(&mut function, &options, true)?;
        return Ok(function.into_token_stream());
    }
    if let Ok(mut method) = syn::parse2::<ImplItemFn>(tokens.clone()) {
        wrap_method(&mut method, None, &options, true)?;
        return Ok(method.into_token_stream());
    }
    options.check_for_block()?;
    let mut item = syn::parse2::<Item>(tokens)?;
    match &mut item {
        Item::Impl(block) => wrap_impl(block, &options)?,
        Item::Trait(block) => wrap_trait(block, &options)?,
        Item::Mod(module) if module.content.is_some() => wrap_module(module, &options)?,
        other => {
            let expected = "expected a function with a body, an `impl` block, a trait, or a module with its content";
            return Err(Error::new_spanned(other, expected));
        }
    }
    Ok(item.into_token_stream())
}

fn wrap_item(function: &mut ItemFn, options: &Options, direct: bool) -> Result<()> {
    let ItemFn { attrs, sig, block, .. } = function;
    Function { attributes: attrs, signature: sig, body: block, owner: None }.wrap(options, direct)
}

fn wrap_method(method: &mut ImplItemFn, owner: Option<&str>, options: &Options, direct: bool) -> Result<()> {
    let ImplItemFn { attrs, sig, block, .. } = method;
    Function { attributes: attrs, signature: sig, body: block, owner }.wrap(options, direct)
}

fn wrap_impl(block: &mut ItemImpl, options: &Options) -> Result<()> {
    let owner = type_name(&block.self_ty);
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item
            && let Some((own, direct)) = options_of(&mut method.attrs, options, &plain(&method.sig.ident))?
        {
            wrap_method(method, owner.as_deref(), &own, direct)?;
        }
    }
    Ok(())
}

fn wrap_trait(block: &mut ItemTrait, options: &Options) -> Result<()> {
    let owner = plain(&block.ident);
    for item in &mut block.items {
        if let TraitItem::Fn(method) = item
            && let Some(body) = &mut method.default
            && let Some((own, direct)) = options_of(&mut method.attrs, options, &plain(&method.sig.ident))?
        {
            let (attributes, signature) = (&method.attrs, &mut method.sig);
            Function { attributes, signature, body, owner: Some(&owner) }.wrap(&own, direct)?;
        }
    }
    Ok(())
}

fn wrap_module(module: &mut ItemMod, options: &Options) -> Result<()> {
    for item in module.content.iter_mut().flat_map(|(_, items)| items) {
        wrap_in_module(item, options)?;
    }
    Ok(())
}

fn wrap_in_module(item: &mut Item, options: &Options) -> Result<()> {
    match item {
        Item::Fn(function) => match options_of(&mut function.attrs, options, &plain(&function.sig.ident))? {
            Some((own, direct)) => wrap_item(function, &own, direct),
            None => Ok(()),
        },
        // An allocator must not run what allocates.
        Item::Impl(block) if is_allocator(block) => Ok(()),
        Item::Impl(block) => match options_of_block(&mut block.attrs, options)? {
            Some(own) => wrap_impl(block, &own),
            None => Ok(()),
        },
        Item::Trait(block) => match options_of_block(&mut block.attrs, options)? {
            Some(own) => wrap_trait(block, &own),
            None => Ok(()),
        },
        Item::Mod(module) if module.content.is_some() => match options_of_block(&mut module.attrs, options)? {
            Some(own) => wrap_module(module, &own),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The options of a block inside a block; what it says itself stands on top. None if it is to be passed over.
fn options_of_block(attributes: &mut Vec<Attribute>, around: &Options) -> Result<Option<Options>> {
    let Some(place) = attributes.iter().position(is_ours) else { return Ok(Some(around.clone())) };
    let Ok(own) = own_options(&attributes[place]) else { return Ok(None) };
    own.check_for_block()?;
    attributes.remove(place);
    Ok(Some(own.within(around)))
}

fn is_allocator(block: &ItemImpl) -> bool {
    let name = block.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
    name.is_some_and(|segment| segment.ident == "GlobalAlloc" || segment.ident == "Allocator")
}

/// The options of a function inside a block, and whether it has its own: its own attribute is taken off, so that it is
/// wrapped once, here, where its type is known. None if it is to be passed over.
fn options_of(attributes: &mut Vec<Attribute>, block: &Options, name: &str) -> Result<Option<(Options, bool)>> {
    if let Some(place) = attributes.iter().position(is_ours) {
        return match own_options(&attributes[place]) {
            Ok(own) => {
                attributes.remove(place);
                Ok(Some((own.within(block), true)))
            }
            // It says `trace` and something we do not understand: somebody else's, or an error it reports itself.
            Err(_) => Ok(None),
        };
    }
    let excepted = block.except.iter().any(|function| plain(function) == name);
    Ok((!excepted).then(|| (Options::default().within(block), false)))
}

fn own_options(attribute: &Attribute) -> Result<Options> {
    match &attribute.meta {
        syn::Meta::Path(_) => Ok(Options::default()),
        _ => attribute.parse_args(),
    }
}

/// `#[trace]` or `#[glasshull::trace]`.
fn is_ours(attribute: &Attribute) -> bool {
    let segments: Vec<_> = attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    matches!(segments.as_slice(), ["trace"] | ["glasshull", "trace"])
}

fn type_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| plain(&segment.ident)),
        Type::Reference(reference) => type_name(&reference.elem),
        Type::Paren(paren) => type_name(&paren.elem),
        Type::Group(group) => type_name(&group.elem),
        Type::TraitObject(object) => object.bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => bound.path.segments.last().map(|segment| plain(&segment.ident)),
            _ => None,
        }),
        _ => None,
    }
}
