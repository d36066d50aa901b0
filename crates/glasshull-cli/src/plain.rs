//! Text from outside, made harmless: it never steers a terminal.

/// The text with control characters, and those that turn the direction of writing or break lines, spelt out.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers(letter) {
            plain.extend(letter.escape_default());
        } else {
            plain.push(letter);
        }
    }
    plain
}

/// JSON in which such characters are written as JSON's own escapes: the same document.
pub(crate) fn plain_json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\n' => plain.push(letter),
            letter if steers(letter) => plain += &format!("\\u{:04x}", u32::from(letter)),
            letter => plain.push(letter),
        }
    }
    plain
}

fn steers(letter: char) -> bool {
    let turns =
        matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter.is_control() || turns || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// At most so many characters, the last of them an ellipsis where something was cut.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A length of time as people read it: three digits and a unit.
pub(crate) fn duration(ns: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    match UNITS.iter().find(|(unit, _)| ns >= *unit) {
        None => format!("{ns}ns"),
        Some((unit, name)) => {
            let value = ns as f64 / *unit as f64;
            let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
            format!("{value:.digits$}{name}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_spelt_out() {
        assert_eq!(plain("a\x1b[31mb\u{9b}c\u{202e}d\ne"), "a\\u{1b}[31mb\\u{9b}c\\u{202e}d\\ne");
        assert_eq!(plain("\u{61c}\u{2028}\u{2029}"), "\\u{61c}\\u{2028}\\u{2029}");
        assert_eq!(plain("Zürich 東京 🚢"), "Zürich 東京 🚢");
    }

    #[test]
    fn json_stays_the_same_document() {
        let json = serde_json::to_string(&["\u{9b}x\u{202e}\u{7f}\x1b"]).expect("JSON");
        let plain = plain_json(&json);
        assert!(!plain.chars().any(steers), "{plain}");
        let again: Vec<String> = serde_json::from_str(&plain).expect("still JSON");
        assert_eq!(again, ["\u{9b}x\u{202e}\u{7f}\x1b"]);
    }

    #[test]
    fn long_text_is_cut_visibly() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("äbcd", 3), "äb…");
    }

    #[test]
    fn durations_have_three_digits() {
        let all = [(0, "0ns"), (999, "999ns"), (1_234, "1.23µs"), (45_600_000, "45.6ms"), (61_000_000_000, "61.0s")];
        for (ns, text) in all {
            assert_eq!(duration(ns), text);
        }
    }
}
