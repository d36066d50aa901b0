use syn::{Attribute, Meta};

/// Attributes of the language that stand on functions and blocks and are no macros.
const INERT: &[&str] = &[
    "allow",
    "automatically_derived",
    "cold",
    "coverage",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "inline",
    "link_section",
    "must_use",
    "no_mangle",
    "optimize",
    "path",
    "warn",
];

/// Tools the compiler knows by name: what begins with one of these is theirs.
const TOOLS: &[&str] = &["clippy", "diagnostic", "miri", "rust_analyzer", "rustfmt"];

/// Whether there may be a macro among attributes. All that is not known for something else counts as one.
pub(crate) fn have_macros(attributes: &[Attribute]) -> bool {
    !attributes.iter().all(is_inert)
}

fn is_inert(attribute: &Attribute) -> bool {
    let (path, first) = (attribute.path(), attribute.path().segments.first());
    let is_among = |names: &[&str]| first.is_some_and(|first| names.iter().any(|name| first.ident == name));
    match path.segments.len() {
        1 => is_among(INERT) || is_unsafe(attribute),
        _ => is_among(TOOLS),
    }
}

/// `#[unsafe(..)]`: never a macro.
fn is_unsafe(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("unsafe"))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn what_is_not_known_may_be_a_macro() {
        let inert: [Attribute; 6] = [
            parse_quote!(#[inline(never)]),
            parse_quote!(#[doc = "."]),
            parse_quote!(#[must_use]),
            parse_quote!(#[clippy::cognitive_complexity = "1"]),
            parse_quote!(#[unsafe(no_mangle)]),
            parse_quote!(#[allow(unused)]),
        ];
        assert!(!have_macros(&inert));
        let macros: [Attribute; 3] =
            [parse_quote!(#[tokio::main]), parse_quote!(#[async_trait]), parse_quote!(#[cfg_attr(test, async_trait)])];
        assert!(macros.into_iter().all(|attribute| have_macros(&[attribute])));
    }
}
