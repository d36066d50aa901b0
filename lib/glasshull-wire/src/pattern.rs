//! The one rule by which a probe's pattern names functions; the hub and every SDK use this code, so that what people
//! are told will be captured is what is captured.
//!
//! `*` stands for any run of characters, also none; every other character stands for itself. A pattern names a
//! function if it matches the whole path, or the part of the path behind one of its `::`. So `pricing::*` names
//! `shop::pricing::quote` and `shop::pricing::tax::rate`, but not `shop::mispricing::quote`.

use crate::limits::MAX_NAME_BYTES;

/// Whether `pattern` names the function at `path`. An empty pattern, and one longer than
/// [`MAX_NAME_BYTES`], names nothing.
pub fn matches(pattern: &str, path: &str) -> bool {
    if pattern.is_empty() || pattern.len() > MAX_NAME_BYTES {
        return false;
    }
    suffixes(path).any(|suffix| matches_whole(pattern, suffix))
}

/// Whether `pattern` is all of `text`, `*` standing for any run of characters: the rule for what is no path, such as
/// the labels of instances.
pub fn matches_whole(pattern: &str, text: &str) -> bool {
    matches_bytes(pattern.as_bytes(), text.as_bytes())
}

/// The path, and what stands behind each of its `::`.
fn suffixes(path: &str) -> impl Iterator<Item = &str> {
    let behind = path.match_indices("::").map(|(at, separator)| &path[at + separator.len()..]);
    std::iter::once(path).chain(behind)
}

/// Takes time in proportion to the product of both lengths at most: on a mismatch only the last `*` is widened.
fn matches_bytes(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&byte) if byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    (p, t) = (after_star, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, named: &[&str], not_named: &[&str]) {
        for path in named {
            assert!(matches(pattern, path), "{pattern} must name {path}");
        }
        for path in not_named {
            assert!(!matches(pattern, path), "{pattern} must not name {path}");
        }
    }

    #[test]
    fn a_pattern_names_whole_paths_and_what_stands_behind_a_separator() {
        check("shop::pricing::quote", &["shop::pricing::quote"], &["shop::pricing::quotes", "shop::pricing"]);
        check("pricing::quote", &["shop::pricing::quote", "pricing::quote"], &["shop::mispricing::quote"]);
        check("quote", &["shop::pricing::quote"], &["shop::pricing::requote"]);
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        check(
            "pricing::*",
            &["shop::pricing::quote", "shop::pricing::tax::rate"],
            &["shop::mispricing::quote", "pricing"],
        );
        check("*::price", &["shop::price", "a::b::price"], &["price", "shop::prices"]);
        check("*", &["shop::price", "", "ä"], &[]);
        check("shop::*::pr*ce", &["shop::a::b::price", "shop::a::prce"], &["shop::price"]);
        check("**", &["x"], &[]);
    }

    #[test]
    fn an_empty_or_endless_pattern_names_nothing() {
        check("", &[], &["", "a"]);
        check(&"*".repeat(MAX_NAME_BYTES + 1), &[], &["a"]);
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_answered_at_once() {
        let started = std::time::Instant::now();
        assert!(!matches(&"*a".repeat(500), &format!("{}b", "a::".repeat(300))));
        assert!(started.elapsed().as_secs() < 5);
    }

    proptest! {
        #[test]
        fn a_path_with_any_part_starred_out_is_still_named(path in "[a-c:]{0,20}", from in 0..20usize, to in 0..20usize) {
            let (from, to) = (from.min(to).min(path.len()), to.max(from).min(path.len()));
            let pattern = format!("{}*{}", &path[..from], &path[to..]);
            prop_assert!(matches(&pattern, &path));
        }
    }
}
