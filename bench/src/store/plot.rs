//! How questions take longer with more calls, as a picture: of reports of several sizes that were written with `--json`.

use std::fmt::Write;

use serde_json::Value;

use super::CALLS_ROW;
use crate::Outcome;

/// Those that are drawn, by the rows' names.
const QUESTIONS: [&str; 4] = [
    "one trace by id, warm",
    "a GUID in any argument, warm",
    "top 100 slowest of one function, warm",
    "count and p99 by function, exact, warm",
];

/// What stands before a row's name, whose it is, and its colour.
const SYSTEMS: [(&str, &str, &str); 3] =
    [("", "Glasshull", "#0b62d6"), ("ClickHouse: ", "ClickHouse", "#b35900"), ("DuckDB: ", "DuckDB", "#4a7a00")];

/// Of one question's picture, in pixels.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 16.0;
const BOTTOM: f64 = 36.0;

/// Above the pictures, for the names of the systems.
const HEAD: f64 = 28.0;

/// A figure: how many calls there were, and milliseconds.
type Point = (f64, f64);

/// An SVG of the reports in these files.
pub(crate) fn draw(files: &[&str]) -> Outcome<String> {
    let reports: Outcome<Vec<Value>> =
        files.iter().map(|file| Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)).collect();
    let reports = reports?;
    let lines = QUESTIONS.map(|question| SYSTEMS.map(|(of, ..)| line(&reports, &format!("{of}{question}"))));
    let frame = Frame::around(lines.iter().flatten().flatten()).ok_or("there is nothing to draw")?;
    let (width, height) = (2.0 * WIDTH, HEAD + 2.0 * HEIGHT);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="#222">
<rect width="{width}" height="{height}" fill="#fff"/>
"##
    );
    for (place, (_, name, colour)) in SYSTEMS.iter().enumerate() {
        let x = LEFT + place as f64 * 110.0;
        writeln!(svg, r#"<circle cx="{x}" cy="16" r="4" fill="{colour}"/><text x="{}" y="20">{name}</text>"#, x + 9.0)?;
    }
    for (place, (question, lines)) in QUESTIONS.iter().zip(&lines).enumerate() {
        let (x, y) = ((place % 2) as f64 * WIDTH, HEAD + (place / 2) as f64 * HEIGHT);
        writeln!(svg, r#"<g transform="translate({x} {y})">"#)?;
        frame.draw(&mut svg, question)?;
        for (points, (.., colour)) in lines.iter().zip(SYSTEMS) {
            frame.draw_line(&mut svg, points, colour)?;
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// The row of this name in each report that has it, the fewest calls first.
fn line(reports: &[Value], what: &str) -> Vec<Point> {
    let mut points: Vec<Point> =
        reports.iter().filter_map(|report| Some((value(report, CALLS_ROW)?, value(report, what)?))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

fn value(report: &Value, what: &str) -> Option<f64> {
    let row = report["rows"].as_array()?.iter().find(|row| row["what"] == what)?;
    row["value"].as_f64().filter(|value| *value > 0.0)
}

/// The same for all questions: powers of ten around what there is.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Powers of ten, first and last: calls, milliseconds.
    x: [f64; 2],
    y: [f64; 2],
}

impl Frame {
    fn around<'p>(points: impl Iterator<Item = &'p Point> + Clone) -> Option<Self> {
        let range = |of: fn(&Point) -> f64| {
            let powers = points.clone().map(|point| of(point).log10());
            let first = powers.clone().reduce(f64::min)?.floor();
            Some([first, powers.reduce(f64::max)?.ceil().max(first + 1.0)])
        };
        Some(Self { x: range(|point| point.0)?, y: range(|point| point.1)? })
    }

    fn place(&self, (calls, milliseconds): Point) -> (f64, f64) {
        let share = |[first, last]: [f64; 2], value: f64| (value.log10() - first) / (last - first);
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        (LEFT + share(self.x, calls) * width, TOP + (1.0 - share(self.y, milliseconds)) * height)
    }

    fn draw(&self, svg: &mut String, title: &str) -> Outcome {
        writeln!(svg, r#"<text x="{LEFT}" y="{}" font-weight="bold">{title}</text>"#, TOP - 12.0)?;
        for power in powers(self.y) {
            let (y, x) = (self.place((1.0, 10f64.powf(power))).1, WIDTH - RIGHT);
            let label = format!("{} ms", 10f64.powf(power));
            writeln!(svg, r##"<path d="M{LEFT} {y:.1}H{x:.1}" stroke="#ddd"/>"##)?;
            writeln!(svg, r#"<text x="{}" y="{:.1}" text-anchor="end">{label}</text>"#, LEFT - 6.0, y + 4.0)?;
        }
        for power in powers(self.x) {
            let (x, y) = (self.place((10f64.powf(power), 1.0)).0, HEIGHT - BOTTOM);
            let label = format!("{} M", 10f64.powf(power - 6.0));
            writeln!(svg, r##"<path d="M{x:.1} {TOP}V{y:.1}" stroke="#ddd"/>"##)?;
            writeln!(svg, r#"<text x="{x:.1}" y="{}" text-anchor="middle">{label}</text>"#, y + 18.0)?;
        }
        Ok(())
    }

    fn draw_line(&self, svg: &mut String, points: &[Point], colour: &str) -> Outcome {
        let places: Vec<(f64, f64)> = points.iter().map(|&point| self.place(point)).collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let path = path.join(" ");
        writeln!(svg, r#"<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>"#)?;
        for (x, y) in places {
            writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#)?;
        }
        Ok(())
    }
}

fn powers([first, last]: [f64; 2]) -> impl Iterator<Item = f64> {
    (first as i32..=last as i32).map(f64::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(calls: f64, milliseconds: f64) -> Value {
        json!({ "rows": [
            { "what": CALLS_ROW, "value": calls },
            { "what": "one trace by id, warm", "value": milliseconds },
            { "what": "DuckDB: one trace by id, warm", "value": 3.0 },
        ] })
    }

    #[test]
    fn more_calls_stand_further_right_and_longer_times_higher() {
        let reports = [report(1e7, 20.0), report(1e6, 2.0)];
        let points = line(&reports, "one trace by id, warm");
        assert_eq!(points, [(1e6, 2.0), (1e7, 20.0)]);
        let frame = Frame::around(points.iter()).unwrap();
        let [first, last] = [0, 1].map(|at| frame.place(points[at]));
        assert!(first.0 < last.0 && first.1 > last.1);
        assert!(Frame::around([].iter()).is_none());
    }

    #[test]
    fn reports_in_files_become_one_picture() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        std::fs::write(&path, report(1e6, 2.0).to_string()).unwrap();
        let svg = draw(&[path.to_str().unwrap()]).unwrap();
        assert_eq!(svg.matches("<g ").count(), QUESTIONS.len());
        assert!(svg.contains("DuckDB") && svg.contains("one trace by id"));
        assert!(draw(&[]).is_err());
    }
}
