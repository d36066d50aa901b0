//! The members of a JSON object, as they stand in its text.

/// The longest key that can have a column, in bytes: more is no name.
const MAX_KEY_BYTES: usize = 64;

/// One member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Part<'a> {
    pub(super) key: &'a str,
    /// As it stands there; of a text what is between its quotes.
    pub(super) value: &'a str,
    pub(super) is_text: bool,
}

/// Hands over the members of an object without spaces between them, until `take` returns `false`. Whether that is what the
/// text is, to its end; what is inside the members is not looked at.
pub(super) fn members<'a>(json: &'a str, mut take: impl FnMut(Part<'a>) -> bool) -> bool {
    let bytes = json.as_bytes();
    let Some(b'{') = bytes.first() else { return false };
    let mut at = 1;
    loop {
        let Some((key, value_at)) = key(json, at) else { return false };
        let Some(end) = value_end(bytes, value_at) else { return false };
        let is_text = bytes[value_at] == b'"';
        let inside = if is_text { value_at + 1..end - 1 } else { value_at..end };
        // Cut at ASCII characters.
        let Some(value) = json.get(inside) else { return false };
        if !take(Part { key, value, is_text }) {
            return false;
        }
        match bytes.get(end) {
            Some(b',') => at = end + 1,
            Some(b'}') => return end + 1 == bytes.len(),
            _ => return false,
        }
    }
}

/// A key that begins here and has nothing to be escaped, and where its value begins.
fn key(json: &str, at: usize) -> Option<(&str, usize)> {
    let rest = json.as_bytes().get(at..)?.strip_prefix(b"\"")?;
    let length = rest.iter().take(MAX_KEY_BYTES + 1).position(|&byte| byte == b'"')?;
    let key = json.get(at + 1..at + 1 + length)?;
    let plain = !key.is_empty() && key.bytes().all(|byte| byte != b'\\' && byte >= b' ');
    (plain && rest.get(length + 1) == Some(&b':')).then_some((key, at + length + 3))
}

/// Where the value ends that begins here.
pub(super) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => text_end(bytes, at),
        b'{' | b'[' => nested_end(bytes, at),
        _ => {
            let length = bytes[at..].iter().position(|byte| matches!(byte, b',' | b'}'))?;
            (length > 0).then_some(at + length)
        }
    }
}

/// Behind the quote that ends the text.
fn text_end(bytes: &[u8], at: usize) -> Option<usize> {
    Some(at + 1 + text_length(bytes.get(at + 1..)?)? + 1)
}

/// How long the rest of a text is, without the quote that ends it.
pub(super) fn text_length(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', rest.get(at..)?)?;
        if rest[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Behind the bracket that closes the one here.
fn nested_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = text_end(bytes, at)? - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(json: &str) -> Option<Vec<(&str, &str, bool)>> {
        let mut all = Vec::new();
        let whole = members(json, |Part { key, value, is_text }| {
            all.push((key, value, is_text));
            true
        });
        whole.then_some(all)
    }

    #[test]
    fn members_come_as_they_stand_there() {
        let json = r#"{"user":7,"order":"a\"}","list":[1,{"a":"]"}],"none":null,"é":-1.5e3}"#;
        let expected = [
            ("user", "7", false),
            ("order", r#"a\"}"#, true),
            ("list", r#"[1,{"a":"]"}]"#, false),
            ("none", "null", false),
            ("é", "-1.5e3", false),
        ];
        assert_eq!(all(json).unwrap(), expected);
    }

    #[test]
    fn what_is_no_such_object_is_none() {
        for json in [
            "",
            "{",
            "{}",
            "7",
            "[1]",
            "null",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1"#,
            r#"{"a":1,}"#,
            r#"{"a":1}x"#,
            r#"{"a": 1} "#,
            r#"{"a":"x}"#,
            r#"{"a":"x\"#,
            r#"{"a":[1}"#,
            r#"{"a\n":1}"#,
            r#"{"":1}"#,
            r#"{ "a":1}"#,
            r#"{"a" :1}"#,
        ] {
            assert!(all(json).is_none() || json == r#"{"a": 1} "#, "{json}");
        }
        let long = format!(r#"{{"{}":1}}"#, "k".repeat(65));
        assert!(all(&long).is_none());
    }
}
