//! Data, as people or programs want it.

use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::args::Format;
use crate::failed::Failed;
use crate::plain::{cut, plain, plain_json};

/// A value in a table on a terminal, in characters; what is longer is cut there, and nowhere else.
const MAX_CELL_CHARS: usize = 120;

/// Where data goes, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    terminal_columns: Option<u16>,
}

/// Data by rows and columns.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Grid {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Whether a column holds nothing but numbers. A row may be short, whatever a hub has promised.
    fn is_numbers(&self, column: usize) -> bool {
        let is_number = |row: &Vec<Value>| matches!(row.get(column), Some(Value::Number(_) | Value::Null) | None);
        !self.rows.is_empty() && self.rows.iter().all(is_number)
    }
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        let terminal = io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
        Self { format, terminal_columns: terminal.map(|(width, _)| width.0) }
    }

    /// How many characters a line has; `None` where it is no terminal.
    pub(crate) fn width(self) -> Option<usize> {
        self.terminal_columns.map(usize::from)
    }

    /// Writes an answer: as it is for `json`, its items for `ndjson`, as rows and columns for the others.
    pub(crate) fn answer<T: Serialize>(
        self,
        whole: &T,
        items: &[impl Serialize],
        grid: impl FnOnce() -> Grid,
    ) -> Result<(), Failed> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Json => json(&mut out, whole)?,
            Format::Ndjson => items.iter().try_for_each(|item| json(&mut out, item))?,
            Format::Csv => self.csv(&mut out, &grid())?,
            Format::Table => self.table(&mut out, &grid())?,
        }
        out.flush()?;
        Ok(())
    }

    /// Writes one line of text.
    pub(crate) fn line(self, text: &str) -> Result<(), Failed> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }

    /// Writes one JSON document on a line.
    pub(crate) fn json_line<T: Serialize>(self, item: &T) -> Result<(), Failed> {
        let mut out = io::stdout().lock();
        json(&mut out, item)?;
        out.flush()?;
        Ok(())
    }

    fn table(self, out: &mut impl Write, grid: &Grid) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if let Some(width) = self.terminal_columns {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        table.set_header(grid.columns.iter().map(|name| plain(name)));
        for row in &grid.rows {
            table.add_row(row.iter().map(|value| self.cell(value)));
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if grid.is_numbers(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn cell(self, value: &Value) -> String {
        let text = plain(&text(value));
        if self.terminal_columns.is_some() { cut(&text, MAX_CELL_CHARS) } else { text }
    }

    fn csv(self, out: &mut impl Write, grid: &Grid) -> io::Result<()> {
        let record = |fields: Vec<String>| fields.iter().map(|field| self.field(field)).collect::<Vec<_>>().join(",");
        writeln!(out, "{}", record(grid.columns.clone()))?;
        for row in &grid.rows {
            writeln!(out, "{}", record(row.iter().map(text).collect()))?;
        }
        Ok(())
    }

    /// A field of RFC 4180. A file gets the text as it is, a terminal what cannot steer it.
    fn field(self, text: &str) -> String {
        let text = if self.terminal_columns.is_some() { plain(text) } else { text.to_owned() };
        if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    }
}

fn json<T: Serialize>(out: &mut impl Write, item: &T) -> io::Result<()> {
    let text = serde_json::to_string(item).map_err(io::Error::other)?;
    writeln!(out, "{}", plain_json(&text))
}

/// A value as text: nothing for null, texts without quotes, the rest as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_too_short_or_too_long_are_shown_as_they_are() {
        let row = |values: &[i64]| values.iter().map(|&value| Value::from(value)).collect();
        let rows = vec![row(&[1]), row(&[]), row(&[2, 3, 4])];
        let grid = Grid { rows, ..Grid::new(&["a", "b"]) };
        let mut out = Vec::new();
        let file = Output { format: Format::Table, terminal_columns: None };
        file.table(&mut out, &grid).expect("a table");
        file.csv(&mut out, &grid).expect("lines");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, "a  b\n1\n\n2  3  4\na,b\n1\n\n2,3,4\n");
    }

    #[test]
    fn fields_are_quoted_as_rfc_4180_says() {
        let file = Output { format: Format::Csv, terminal_columns: None };
        for (text, field) in [("a", "a"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("a\nb", "\"a\nb\"")]
        {
            assert_eq!(file.field(text), field);
        }
        let terminal = Output { format: Format::Csv, terminal_columns: Some(80) };
        assert_eq!(terminal.field("\x1b[2J"), "\\u{1b}[2J");
    }
}
