//! The little of JSON that tests need. The text is our own, so it is sound.

/// Keys and values of an object, in order. A key is as it is written, between its quotes.
pub(super) fn entries(object: &str) -> Vec<(&str, &str)> {
    let inside = object.strip_prefix('{').and_then(|object| object.strip_suffix('}')).unwrap_or_default();
    parts(inside).into_iter().filter_map(entry).collect()
}

fn entry(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.strip_prefix('"')?.split_once("\":")?;
    Some((key, value))
}

/// What stands between commas that are in no brackets and in no text.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let parts = text.split(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => return c == ',' && depth == 0,
        }
        false
    });
    parts.filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_taken_apart_where_its_own_commas_are() {
        let object = r#"{"a":1,"b":[1,{"c":"x,\"}y"}],"d":"\\","e":{}}"#;
        let expected = [("a", "1"), ("b", r#"[1,{"c":"x,\"}y"}]"#), ("d", r#""\\""#), ("e", "{}")];
        assert_eq!(entries(object), expected);
        assert_eq!(entries("{}"), []);
        assert_eq!(entries("null"), []);
    }
}
