use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, ItemMod, ItemTrait, Meta, Result, TraitItem,
    TraitItemFn, Type, parse_quote,
};

use crate::function::Function;
use crate::options::{Note, Options, plain};

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
        let shown = match own(options, &mut function.attrs)? {
            Some(Own { options, owner, direct }) => wrap_item(&mut function, owner.as_deref(), &options, direct)?,
            None => None,
        };
        return Ok(shown.unwrap_or_else(|| function.into_token_stream()));
    }
    if let Ok(mut method) = syn::parse2::<ImplItemFn>(tokens.clone()) {
        let shown = match own(options, &mut method.attrs)? {
            Some(Own { options, owner, direct }) => wrap_method(&mut method, owner.as_deref(), &options, direct)?,
            None => None,
        };
        return Ok(shown.unwrap_or_else(|| method.into_token_stream()));
    }
    options.check_for_block()?;
    let mut item = syn::parse2::<Item>(tokens)?;
    match &mut item {
        Item::Impl(block) => of_block(options, &mut block.attrs)?.map_or(Ok(()), |own| wrap_impl(block, &own))?,
        Item::Trait(block) => of_block(options, &mut block.attrs)?.map_or(Ok(()), |own| wrap_trait(block, &own))?,
        Item::Mod(module) if module.content.is_some() => {
            of_block(options, &mut module.attrs)?.map_or(Ok(()), |own| wrap_module(module, &own))?;
        }
        other => {
            let expected = "expected a function with a body, an `impl` block, a trait, or a module with its content";
            return Err(Error::new_spanned(other, expected));
        }
    }
    Ok(item.into_token_stream())
}

/// What holds for an item that has the attribute, or is said to have it by the block around.
struct Own {
    options: Options,
    owner: Option<String>,
    /// The attribute stands on it itself.
    direct: bool,
}

/// Takes in the [`Note`] that the attribute consists of or that stands behind it. None if the item is to be left as it
/// is.
fn own(mut options: Options, attributes: &mut Vec<Attribute>) -> Result<Option<Own>> {
    if let Some(note) = options.note.take() {
        let Note { owner, is_excepted, options } = *note;
        let options = Options::default().within(&options);
        return Ok((!is_excepted).then_some(Own { options, owner, direct: false }));
    }
    for place in 0..attributes.len() {
        if is_ours(&attributes[place])
            && let Some(note) = own_options(&attributes[place])?.note
        {
            attributes.remove(place);
            return Ok(Some(Own { options: options.within(&note.options), owner: note.owner, direct: true }));
        }
    }
    Ok(Some(Own { options, owner: None, direct: true }))
}

fn of_block(options: Options, attributes: &mut Vec<Attribute>) -> Result<Option<Options>> {
    // A block around says nothing of functions in blocks inside it, as they have paths of their own.
    Ok(own(options, attributes)?.map(|own| own.options.before(attributes)))
}

/// Both a function as it was written, for those who read its documentation, and what was made of it, where that is no
/// longer `async`.
fn shown<T: ToTokens>(written: Option<T>, made: &T, is_async: bool) -> Option<TokenStream> {
    let written = written.filter(|_| !is_async)?;
    Some(quote!(#[cfg(doc)] #written #[cfg(not(doc))] #made))
}

fn wrap_item(
    function: &mut ItemFn,
    owner: Option<&str>,
    options: &Options,
    direct: bool,
) -> Result<Option<TokenStream>> {
    let written = function.sig.asyncness.map(|_| function.clone());
    let ItemFn { attrs, sig, block, .. } = function;
    Function { attributes: attrs, signature: sig, body: block, owner }.wrap(options, direct)?;
    Ok(shown(written, function, function.sig.asyncness.is_some()))
}

fn wrap_method(
    method: &mut ImplItemFn,
    owner: Option<&str>,
    options: &Options,
    direct: bool,
) -> Result<Option<TokenStream>> {
    let written = method.sig.asyncness.map(|_| method.clone());
    let ImplItemFn { attrs, sig, block, .. } = method;
    Function { attributes: attrs, signature: sig, body: block, owner }.wrap(options, direct)?;
    Ok(shown(written, method, method.sig.asyncness.is_some()))
}

fn wrap_provided(
    method: &mut TraitItemFn,
    owner: &str,
    options: &Options,
    direct: bool,
) -> Result<Option<TokenStream>> {
    let written = method.sig.asyncness.map(|_| method.clone());
    let TraitItemFn { attrs, sig, default: Some(body), .. } = method else { return Ok(None) };
    Function { attributes: attrs, signature: sig, body, owner: Some(owner) }.wrap(options, direct)?;
    Ok(shown(written, method, method.sig.asyncness.is_some()))
}

fn wrap_impl(block: &mut ItemImpl, options: &Options) -> Result<()> {
    let owner = type_name(&block.self_ty);
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item
            && let Some((own, direct)) =
                options_of(&mut method.attrs, options, owner.as_deref(), &plain(&method.sig.ident))?
            && let Some(shown) = wrap_method(method, owner.as_deref(), &own, direct)?
        {
            *item = ImplItem::Verbatim(shown);
        }
    }
    Ok(())
}

fn wrap_trait(block: &mut ItemTrait, options: &Options) -> Result<()> {
    let owner = plain(&block.ident);
    for item in &mut block.items {
        if let TraitItem::Fn(method) = item
            && method.default.is_some()
            && let Some((own, direct)) =
                options_of(&mut method.attrs, options, Some(&owner), &plain(&method.sig.ident))?
            && let Some(shown) = wrap_provided(method, &owner, &own, direct)?
        {
            *item = TraitItem::Verbatim(shown);
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
        Item::Fn(function) => {
            if let Some((own, direct)) = options_of(&mut function.attrs, options, None, &plain(&function.sig.ident))?
                && let Some(shown) = wrap_item(function, None, &own, direct)?
            {
                *item = Item::Verbatim(shown);
            }
            Ok(())
        }
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
    if leave_note(attributes, around, None, false) {
        return Ok(None);
    }
    let Some(place) = attributes.iter().position(is_ours) else { return Ok(Some(around.clone().before(attributes))) };
    let Ok(own) = own_options(&attributes[place]) else { return Ok(None) };
    own.check_for_block()?;
    attributes.remove(place);
    Ok(Some(own.within(around).before(attributes)))
}

/// Where an attribute may be ours or not: leaves it what it needs if it is, and does what is needed if it is not.
fn leave_note(attributes: &mut Vec<Attribute>, block: &Options, owner: Option<&str>, is_excepted: bool) -> bool {
    let is_unclear = attributes.iter().any(may_be_ours);
    if is_unclear {
        let note = Note { owner: owner.map(str::to_owned), is_excepted, options: block.clone() };
        attributes.push(parse_quote!(#[::glasshull::trace(#note)]));
    }
    is_unclear
}

fn is_allocator(block: &ItemImpl) -> bool {
    let name = block.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
    name.is_some_and(|segment| segment.ident == "GlobalAlloc" || segment.ident == "Allocator")
}

/// The options of a function inside a block, and whether it has its own: its own attribute is taken off, so that it is
/// wrapped once, here, where its type is known. None if it is to be passed over.
fn options_of(
    attributes: &mut Vec<Attribute>,
    block: &Options,
    owner: Option<&str>,
    name: &str,
) -> Result<Option<(Options, bool)>> {
    let is_excepted = block.except.iter().any(|function| plain(function) == name);
    if let Some(place) = attributes.iter().position(is_ours) {
        return match own_options(&attributes[place]) {
            Ok(own) => {
                attributes.remove(place);
                Ok(Some((own.within(block), true)))
            }
            // It says what we do not understand: it reports that itself.
            Err(_) => Ok(None),
        };
    }
    if leave_note(attributes, block, owner, is_excepted) {
        return Ok(None);
    }
    Ok((!is_excepted).then(|| (Options::default().within(block), false)))
}

fn own_options(attribute: &Attribute) -> Result<Options> {
    match &attribute.meta {
        syn::Meta::Path(_) => Ok(Options::default()),
        _ => attribute.parse_args(),
    }
}

/// `#[glasshull::trace]`.
fn is_ours(attribute: &Attribute) -> bool {
    let mut segments = attribute.path().segments.iter().map(|segment| &segment.ident);
    matches!((segments.next(), segments.next(), segments.next()), (Some(a), Some(b), None) if a == "glasshull" && b == "trace")
}

/// What is called `trace`, ours by another path or somebody else's, or has it behind a condition.
fn may_be_ours(attribute: &Attribute) -> bool {
    let is_called_trace = attribute.path().segments.last().is_some_and(|segment| segment.ident == "trace");
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => names_trace(list.tokens.clone()),
        _ => is_called_trace && !is_ours(attribute),
    }
}

fn names_trace(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "trace",
        TokenTree::Group(group) => names_trace(group.stream()),
        _ => false,
    })
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
