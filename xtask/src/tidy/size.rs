//! Files and functions one can hold in one's head.

use super::{Finding, Source};

/// A file by hand. Longer ones are two files that nobody has told apart yet.
const MAX_FILE_LINES: usize = 800;

/// rustfmt breaks code at 120 where it can. Text in quotes and addresses cannot be broken, and do not count.
const MAX_LINE_CHARS: usize = 140;

/// Functions above this are reported, not refused: a list may be long.
const LONG_FUNCTION_LINES: usize = 70;

pub(super) fn files_are_short(sources: &[Source]) -> Vec<Finding> {
    let code = sources.iter().filter(|source| is_code(source) && !source.is_generated());
    let long = code.filter(|source| source.text.lines().count() > MAX_FILE_LINES);
    long.map(|source| source.finding(0, format!("more than {MAX_FILE_LINES} lines"))).collect()
}

pub(super) fn lines_are_short(sources: &[Source]) -> Vec<Finding> {
    let code = sources.iter().filter(|source| is_code(source) && !source.is_generated());
    let breakable = |line: &str| !line.contains("https://") && outside_quotes(line) > MAX_LINE_CHARS;
    let long = |line: &str| line.chars().count() > MAX_LINE_CHARS && breakable(line);
    let find = |source: &Source| -> Vec<Finding> {
        let lines = source.text.lines().enumerate().filter(|(_, line)| long(line));
        lines.map(|(index, _)| source.finding(index + 1, format!("more than {MAX_LINE_CHARS} characters"))).collect()
    };
    code.flat_map(find).collect()
}

/// Characters that do not stand between quotes.
fn outside_quotes(line: &str) -> usize {
    line.replace("\\\"", "").split(['"', '`']).step_by(2).map(|part| part.chars().count()).sum()
}

/// How long functions are, as a sentence.
pub(super) fn report(sources: &[Source]) -> String {
    let rust = sources.iter().filter(|source| source.is_rust() && !source.is_generated());
    let mut functions: Vec<(usize, String)> = rust.flat_map(functions).collect();
    functions.sort();
    let median = functions.get(functions.len() / 2).map_or(0, |(lines, _)| *lines);
    let long: Vec<&(usize, String)> = functions.iter().filter(|(lines, _)| *lines > LONG_FUNCTION_LINES).collect();
    let told: String = long.iter().map(|(lines, place)| format!("\n  {place}: {lines} lines")).collect();
    format!("{} functions, median {median} lines, {} above {LONG_FUNCTION_LINES}{told}", functions.len(), long.len())
}

/// Length and place of each function, by rustfmt's indentation: it ends at the brace below its first letter.
fn functions(source: &Source) -> Vec<(usize, String)> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if is_function(line) && !line.trim_end().ends_with([';', '}']) {
            open.push((indent, index));
        } else if line.trim_start().starts_with('}') {
            while let Some((_, start)) = open.pop_if(|(at, _)| *at >= indent) {
                found.push((index - start + 1, format!("{}:{}", source.path, start + 1)));
            }
        }
    }
    found
}

fn is_function(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| {
        ["pub", "async", "const", "unsafe", "extern", "\"C\""].contains(word) || word.starts_with("pub(")
    });
    words.next() == Some("fn")
}

fn is_code(source: &Source) -> bool {
    [".rs", ".ts", ".svelte", ".mjs", ".css", ".proto"].iter().any(|ending| source.path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: String) -> Vec<Source> {
        vec![Source { path: "lib/a/src/lib.rs".into(), text }]
    }

    #[test]
    fn a_file_of_800_lines_is_short_enough_and_one_more_is_not() {
        assert_eq!(files_are_short(&source("x\n".repeat(800))), []);
        assert_eq!(files_are_short(&source("x\n".repeat(801))).len(), 1);
    }

    #[test]
    fn a_line_is_measured_in_characters_outside_quotes() {
        assert_eq!(lines_are_short(&source("ü".repeat(140))), []);
        assert_eq!(lines_are_short(&source("ü".repeat(141))).len(), 1);
        assert_eq!(lines_are_short(&source(format!("say(\"{} \\\" {}\")", "ü".repeat(80), "ü".repeat(80)))), []);
    }

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let text = "impl A {\n    pub(crate) async fn long(\n        &self,\n    ) -> u8 {\n        1\n    }\n}\nfn short() {\n}\n";
        let lengths: Vec<usize> = functions(&source(text.into())[0]).into_iter().map(|(lines, _)| lines).collect();
        assert_eq!(lengths, [5, 2]);
    }
}
