//! SQL's LIKE: `%` stands for any run of characters, `_` for one.

/// A pattern, taken apart once.
#[derive(Debug)]
pub(crate) enum Like {
    /// No `%` and no `_` inside: what is before the first `%`, between, behind the last one.
    Plain { begins: Box<str>, contains: Vec<Box<str>>, ends: Option<Box<str>> },
    /// Anything else, by characters.
    Any(Vec<char>),
}

impl Like {
    pub(crate) fn new(pattern: &str) -> Self {
        if pattern.contains('_') {
            return Self::Any(pattern.chars().collect());
        }
        let mut parts: Vec<Box<str>> = pattern.split('%').map(Into::into).collect();
        let ends = if parts.len() > 1 { parts.pop() } else { None };
        let begins = parts.remove(0);
        parts.retain(|part| !part.is_empty());
        Self::Plain { begins, contains: parts, ends }
    }

    /// Whether it matches all of the text. None if that took `steps` beyond `most`.
    pub(crate) fn matches(&self, text: &str, steps: &mut usize, most: usize) -> Option<bool> {
        match self {
            Self::Plain { begins, contains, ends } => {
                *steps += text.len();
                Some(matches_plain(text, begins, contains, ends.as_deref()))
            }
            Self::Any(pattern) => matches_any(text, pattern, steps, most),
        }
    }
}

/// Takes time in proportion to the text: `str::find` does.
fn matches_plain(text: &str, begins: &str, contains: &[Box<str>], ends: Option<&str>) -> bool {
    let Some(ends) = ends else { return text == begins };
    let Some(rest) = text.strip_prefix(begins).and_then(|rest| rest.strip_suffix(ends)) else { return false };
    let behind = |rest: &'_ str, part: &str| rest.find(part).map(|at| at + part.len());
    let mut from = 0;
    contains.iter().all(|part| behind(&rest[from..], part).map(|end| from += end).is_some())
}

/// On a mismatch only the last `%` is widened: at most the product of both lengths, and no more than `most`.
fn matches_any(text: &str, pattern: &[char], steps: &mut usize, most: usize) -> Option<bool> {
    let text: Vec<char> = text.chars().collect();
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        *steps += 1;
        if *steps > most {
            return None;
        }
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '_' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return Some(false),
            },
        }
    }
    Some(pattern[p..].iter().all(|&c| c == '%'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        Like::new(pattern).matches(text, &mut 0, usize::MAX).unwrap()
    }

    #[test]
    fn patterns_match_as_in_sql() {
        for (text, pattern, expected) in [
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("", "", true),
            ("", "%", true),
            ("abc", "", false),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "a%c", true),
            ("ac", "a%c", true),
            ("a", "a%a", false),
            ("aba", "a%a", true),
            ("abcbd", "%b%b%", true),
            ("abcd", "%b%b%", false),
            ("äöü", "_ö_", true),
            ("äöü", "__", false),
            ("a%c", "a%c", true),
            ("GREEN-HAT", "G_EEN%", true),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_given_up() {
        let text = "a".repeat(16_000);
        let (pattern, mut steps) = (format!("%{}b_", "a".repeat(1_000)), 0);
        assert_eq!(Like::new(&pattern).matches(&text, &mut steps, 100_000), None);
        assert!(steps <= 100_001);
        let (pattern, mut steps) = ("%a".repeat(500) + "b", 0);
        assert_eq!(Like::new(&pattern).matches(&text, &mut steps, 100_000), Some(false));
    }

    proptest! {
        #[test]
        fn both_ways_agree(text in "[ab]{0,12}", pattern in "[ab%]{0,6}") {
            let by_characters: Vec<char> = pattern.chars().collect();
            prop_assert_eq!(like(&text, &pattern), matches_any(&text, &by_characters, &mut 0, usize::MAX).unwrap());
        }
    }
}
