//! What is withheld in texts wherever it stands, recognized by how it looks.

use std::borrow::Cow;
use std::ops::Range;

use super::SHOWN_INSTEAD;

/// What can be withheld in all captured texts, whatever the value is called. Switched on by
/// [`Builder::redact_values`](crate::Builder::redact_values) or `GLASSHULL_REDACT_VALUES`.
///
/// ```
/// use glasshull::Sensitive;
///
/// let builder = glasshull::builder().redact_values([Sensitive::Emails, Sensitive::Cards]);
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sensitive {
    /// `ann@example.com`.
    Emails,
    /// Payment card numbers: 13 to 19 digits, also in groups, that begin with 2 to 6 and whose check digit (Luhn) is
    /// right. Whole numbers that are no text count too.
    Cards,
    /// What follows `Bearer` or `Basic`, JSON web tokens, and keys with the beginnings that large providers give them,
    /// such as `ghp_` and `AKIA`.
    BearerTokens,
    /// The password in `scheme://user:password@host`.
    UrlPasswords,
    /// What stands behind a name of secrets inside a text: `{"password": ".."}`, `token=..`. In texts that `Debug`
    /// made, in errors and in panics this is always done.
    NamedInText,
}

impl Sensitive {
    const ALL: [(&'static str, Self); 5] = [
        ("emails", Self::Emails),
        ("cards", Self::Cards),
        ("bearer-tokens", Self::BearerTokens),
        ("url-passwords", Self::UrlPasswords),
        ("named-in-text", Self::NamedInText),
    ];

    /// Reads `emails,cards` or `all`; what it does not know is the error.
    pub(crate) fn parse_list(list: &str) -> Result<Vec<Self>, String> {
        if list.eq_ignore_ascii_case("all") {
            return Ok(Self::ALL.map(|(_, kind)| kind).to_vec());
        }
        let parse = |name: &str| match Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim())) {
            Some((_, kind)) => Ok(*kind),
            None => Err(format!("`{}` is none of {}, all", name.trim(), Self::ALL.map(|(name, _)| name).join(", "))),
        };
        list.split(',').filter(|name| !name.trim().is_empty()).map(parse).collect()
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patterns(u8);

impl Patterns {
    pub(crate) fn of(kinds: impl IntoIterator<Item = Sensitive>) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }

    #[inline]
    pub(super) fn has(self, kind: Sensitive) -> bool {
        self.0 & kind.bit() != 0
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The text without what is to be withheld. In a text that was cut, what may be the beginning of such is withheld
    /// at its end.
    pub(super) fn redact<'t>(self, text: &'t str, is_cut: bool) -> Cow<'t, str> {
        type Find = fn(&str, bool) -> Vec<Range<usize>>;
        let kinds: [(Sensitive, Find); 4] = [
            (Sensitive::Emails, emails),
            (Sensitive::Cards, cards),
            (Sensitive::BearerTokens, tokens),
            (Sensitive::UrlPasswords, url_passwords),
        ];
        let finds = kinds.into_iter().filter(|(kind, _)| self.has(*kind));
        finds.fold(Cow::Borrowed(text), |text, (_, find)| {
            let found = find(&text, is_cut);
            if found.is_empty() { text } else { Cow::Owned(without(&text, &found)) }
        })
    }

    /// Whether a whole number is a card's.
    #[inline]
    pub(crate) fn withholds_number(self, number: u64) -> bool {
        self.has(Sensitive::Cards) && number >= 1_000_000_000_000 && is_card(number.to_string().bytes())
    }
}

/// The text with something else in place of the ranges, which are in order and do not overlap.
fn without(text: &str, ranges: &[Range<usize>]) -> String {
    let mut kept = 0;
    let mut out = String::with_capacity(text.len());
    for range in ranges {
        out.push_str(&text[kept..range.start]);
        out.push_str(SHOWN_INSTEAD);
        kept = range.end;
    }
    out.push_str(&text[kept..]);
    out
}

/// The longest part of an address before its `@`, in bytes (RFC 5321).
const MAX_LOCAL_BYTES: usize = 64;

fn emails(text: &str, is_cut: bool) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte) || !byte.is_ascii();
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte) || !byte.is_ascii();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let begin = found.last().map_or(0, |last| last.end);
        let local = bytes[begin..at].iter().rev().take(MAX_LOCAL_BYTES).take_while(|byte| is_local(byte)).count();
        let domain = bytes[at + 1..].iter().take_while(|byte| is_domain(byte)).count();
        let domain = text[at + 1..at + 1 + domain].trim_end_matches(['.', '-']).len();
        let name = &text[at + 1..at + 1 + domain];
        let is_whole = name.rsplit_once('.').is_some_and(|(host, top)| !host.is_empty() && top.len() >= 2);
        let may_go_on = is_cut && at + 1 + domain == text.len();
        if local > 0 && (is_whole || may_go_on) {
            found.push(text.ceil_char_boundary(at - local)..at + 1 + domain);
        }
    }
    found
}

/// Digits a card's number has.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Digits at the end of a text that was cut which may be the beginning of a card's number.
const FEW_DIGITS: usize = 6;

fn cards(text: &str, is_cut: bool) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(digits) = next_digits(bytes, &mut at) {
        found.extend(cards_in(bytes, &digits));
        let end = digits.last().map_or(0, |group| group.end);
        let count: usize = digits.iter().map(Range::len).sum();
        let covered = found.last().map_or(0, |last: &Range<usize>| last.end);
        if is_cut && end == bytes.len() && covered < end && count >= FEW_DIGITS {
            let start = digits[0].start.max(covered);
            found.push(start..end);
        }
    }
    found
}

/// The next digits, in groups that single blanks or dashes part. Digits inside a word are none.
fn next_digits(bytes: &[u8], at: &mut usize) -> Option<Vec<Range<usize>>> {
    let start = *at + bytes.get(*at..)?.iter().position(u8::is_ascii_digit)?;
    let mut groups = Vec::new();
    let mut next = start;
    loop {
        let end = next + bytes[next..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        groups.push(next..end);
        *at = end;
        let goes_on = matches!(bytes.get(end), Some(b' ' | b'-')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !goes_on {
            return Some(groups);
        }
        next = end + 1;
    }
}

/// Groups that together are a card's number: `4111 1111 1111 1111`, also with something else around.
fn cards_in(bytes: &[u8], groups: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut first = 0;
    while first < groups.len() {
        let ends = (first..groups.len())
            .take_while(|&last| groups[first..=last].iter().map(Range::len).sum::<usize>() <= *CARD_DIGITS.end());
        let is_number = |&last: &usize| {
            let range = groups[first].start..groups[last].end;
            let touches = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic);
            !touches(range.start.checked_sub(1))
                && !touches(Some(range.end))
                && is_card(bytes[range].iter().copied().filter(u8::is_ascii_digit))
        };
        // The longest: the first of two numbers may be the beginning of one.
        match ends.filter(is_number).last() {
            Some(last) => {
                found.push(groups[first].start..groups[last].end);
                first = last + 1;
            }
            None => first += 1,
        }
    }
    found
}

/// Whether digits are a card's number: length, first digit, check digit.
fn is_card(digits: impl Iterator<Item = u8>) -> bool {
    let digits: Vec<u8> = digits.take(CARD_DIGITS.end() + 1).map(|digit| digit - b'0').collect();
    let doubled = |digit: u8| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let weighted =
        digits.iter().rev().enumerate().map(|(place, &digit)| if place % 2 == 1 { doubled(digit) } else { digit });
    CARD_DIGITS.contains(&digits.len())
        && (2..=6).contains(&digits[0])
        && weighted.map(u32::from).sum::<u32>().is_multiple_of(10)
}

/// Beginnings of keys that tell what they are.
const KEY_BEGINNINGS: &[&str] = &[
    "AIza",
    "AKIA",
    "ASIA",
    "dckr_pat_",
    "eyJ",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hvs.",
    "npm_",
    "pk_live_",
    "rk_live_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "ya29.",
];

/// Keys with such a beginning are at least so long.
const MIN_KEY_BYTES: usize = 16;

fn tokens(text: &str, is_cut: bool) -> Vec<Range<usize>> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(byte);
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut announced) = (0, false);
    while let Some(skip) = bytes[at..].iter().position(is_token) {
        let only_blanks = bytes[at..at + skip].iter().all(|&byte| byte == b' ');
        let start = at + skip;
        let end = start + bytes[start..].iter().take_while(|byte| is_token(byte)).count();
        let word = &text[start..end];
        let is_key = KEY_BEGINNINGS.iter().any(|known| word.starts_with(known));
        let is_long = word.len() >= MIN_KEY_BYTES || (is_cut && end == bytes.len());
        if (announced && only_blanks) || (is_key && is_long) {
            found.push(start..end);
        }
        announced = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        at = end;
    }
    found
}

fn url_passwords(text: &str, is_cut: bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, scheme) in text.match_indices("://") {
        let begin = at + scheme.len();
        let is_end = |c: char| c.is_whitespace() || "/?#\"'<>".contains(c);
        let end = text[begin..].find(is_end).map_or(text.len(), |length| begin + length);
        let authority = &text[begin..end];
        let user = authority.rfind('@').or((is_cut && end == text.len()).then_some(authority.len()));
        if let Some((user, colon)) = user.and_then(|user| Some((user, authority[..user].find(':')?)))
            && colon + 1 < user
        {
            found.push(begin + colon + 1..begin + user);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(kind: Sensitive, table: &[(&str, &str)]) {
        for (text, expected) in table {
            assert_eq!(Patterns::of([kind]).redact(text, false), expected.replace('#', "[redacted]"), "{text}");
        }
    }

    #[test]
    fn addresses_are_withheld() {
        check(
            Sensitive::Emails,
            &[
                ("ann@example.com", "#"),
                ("to <ann.b+c@mail.example.co.uk>, and bob@x.io.", "to <#>, and #."),
                ("@handle and user@localhost", "@handle and user@localhost"),
                ("a@b.c", "a@b.c"),
                ("grüße@exämple.de!", "#!"),
            ],
        );
        assert_eq!(Patterns::of([Sensitive::Emails]).redact("mail ann@exam", true), "mail [redacted]");
    }

    #[test]
    fn card_numbers_are_withheld_if_their_check_digit_is_right() {
        check(
            Sensitive::Cards,
            &[
                ("4111111111111111", "#"),
                ("card 4111 1111 1111 1111, 12/27", "card #, 12/27"),
                ("5500-0000-0000-0004 378282246310005", "# #"),
                ("4111111111111112", "4111111111111112"),
                ("1763712345678901234", "1763712345678901234"),
                ("id4111111111111111", "id4111111111111111"),
                ("12 4111111111111111 99", "12 # 99"),
                (
                    "411111111111111141111111111111114111111111111111",
                    "411111111111111141111111111111114111111111111111",
                ),
            ],
        );
        let cards = Patterns::of([Sensitive::Cards]);
        assert_eq!(cards.redact("number 411111111", true), "number [redacted]");
        assert!(cards.withholds_number(4_111_111_111_111_111) && !cards.withholds_number(4_111_111_111_111_112));
        assert!(!Patterns::default().withholds_number(4_111_111_111_111_111));
    }

    #[test]
    fn tokens_are_withheld() {
        check(
            Sensitive::BearerTokens,
            &[
                ("Authorization: Bearer abc.def-1", "Authorization: Bearer #"),
                ("bearer  x; basic dXNlcg==", "bearer  #; basic #"),
                ("the bearer, of news", "the bearer, of news"),
                ("key AKIAIOSFODNN7EXAMPLE!", "key #!"),
                ("eyJhbGciOiJIUzI1NiJ9.e30.abc", "#"),
                ("sk-it", "sk-it"),
            ],
        );
        assert_eq!(Patterns::of([Sensitive::BearerTokens]).redact("see ghp_ab", true), "see [redacted]");
    }

    #[test]
    fn passwords_in_urls_are_withheld() {
        check(
            Sensitive::UrlPasswords,
            &[
                ("postgres://app:hunter2@db/x?y=1", "postgres://app:#@db/x?y=1"),
                ("http://a:p@ss@host and http://host:80/", "http://a:#@host and http://host:80/"),
                ("http://ann@host/ http://:@host", "http://ann@host/ http://:@host"),
            ],
        );
        assert_eq!(Patterns::of([Sensitive::UrlPasswords]).redact("db://app:hunt", true), "db://app:[redacted]");
    }

    #[test]
    fn kinds_are_read_by_name() {
        assert_eq!(
            Sensitive::parse_list("Emails, url-passwords,"),
            Ok(vec![Sensitive::Emails, Sensitive::UrlPasswords])
        );
        assert_eq!(Sensitive::parse_list("all").map(|all| all.len()), Ok(Sensitive::ALL.len()));
        let error = Sensitive::parse_list("mails").unwrap_err();
        assert!(error.contains("`mails`") && error.contains("bearer-tokens"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,300}", is_cut: bool) {
            let all = Patterns::of(Sensitive::ALL.map(|(_, kind)| kind));
            let _ = all.redact(&text, is_cut);
        }

        #[test]
        fn texts_like_these_are_read_without_harm(text in "[0-9 @.:/a-eBearer-]{0,120}", is_cut: bool) {
            let all = Patterns::of(Sensitive::ALL.map(|(_, kind)| kind));
            let _ = all.redact(&text, is_cut);
        }

        #[test]
        fn a_card_number_is_found_wherever_it_stands(before in "[a-z ]{0,9} ", behind in " [a-z ]{0,9}") {
            let text = format!("{before}4111-1111-1111-1111{behind}");
            let cards = Patterns::of([Sensitive::Cards]);
            prop_assert_eq!(cards.redact(&text, false), format!("{before}[redacted]{behind}"));
        }
    }
}
