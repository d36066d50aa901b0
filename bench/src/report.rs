//! What a bench says, for people as a table, for programs as JSON.

use std::io::Write;
use std::process::Command;

use serde_json::{Value, json};

use crate::Outcome;

/// All a bench found.
#[derive(Debug)]
pub(crate) struct Report {
    bench: &'static str,
    rows: Vec<Row>,
}

/// One figure.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// The middle of all rounds.
    pub(crate) value: f64,
    /// The best round, where there were several.
    pub(crate) best: Option<f64>,
    /// What half of the rounds lie between, where they differ much.
    pub(crate) quartiles: Option<[f64; 2]>,
    pub(crate) unit: &'static str,
    /// What no program can go below, measured in the same run.
    pub(crate) floor: Option<f64>,
    /// What was set out to be reached; at most this is good.
    pub(crate) goal: Option<f64>,
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, best: None, quartiles: None, unit, floor: None, goal: None }
    }

    fn ratio(&self) -> Option<f64> {
        Some(self.value / self.floor.filter(|floor| *floor > 0.0)?)
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what,
            "value": self.value,
            "best": self.best,
            "quartiles": self.quartiles,
            "unit": self.unit,
            "floor": self.floor,
            "ratio": self.ratio(),
            "goal": self.goal,
            "met": self.goal.map(|goal| self.value <= goal),
        })
    }
}

impl Report {
    pub(crate) fn new(bench: &'static str, rows: Vec<Row>) -> Self {
        Self { bench, rows }
    }

    /// # Errors
    /// A goal is not met.
    pub(crate) fn check(&self) -> Outcome {
        let missed = |row: &&Row| row.goal.is_some_and(|goal| row.value > goal);
        let told: Vec<String> =
            self.rows.iter().filter(missed).map(|row| format!("{}: {}", row.what, row.value)).collect();
        if told.is_empty() { Ok(()) } else { Err(told.join("\n").into()) }
    }

    pub(crate) fn print_json(&self) {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let report = json!({ "bench": self.bench, "machine": machine(), "commit": commit(), "rows": rows });
        say(&report.to_string());
    }

    pub(crate) fn print_table(&self) {
        say(&format!("{} on {} at {}\n", self.bench, machine(), commit()));
        say(&format!("{:<64} {:>10} {:>10} {:>8} {:>10}  unit", "what", "median", "best", "× floor", "goal"));
        let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
        for row in &self.rows {
            let [value, best, ratio, goal] = [Some(row.value), row.best, row.ratio(), row.goal].map(number);
            let met = row.goal.map_or("", |goal| if row.value <= goal { "" } else { "  missed" });
            let half = row.quartiles.map(|[low, high]| format!("  (half of all: {low:.2} to {high:.2})"));
            let (what, unit, half) = (&row.what, row.unit, half.unwrap_or_default());
            say(&format!("{what:<64} {value:>10} {best:>10} {ratio:>8} {goal:>10}  {unit}{met}{half}"));
        }
    }
}

/// The value below which `share` of the values lie.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len().saturating_sub(1)) as f64 * share;
    sorted.get(place.round() as usize).copied().unwrap_or(f64::NAN)
}

fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    // Not those this process may run on: a bench may have moved itself.
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count().max(1);
    format!("{model}, {cores} cores")
}

fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output().ok();
    let text = output.filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or_else(|| "unknown".into(), |text| String::from_utf8_lossy(&text).trim().to_owned())
}

pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.99), 3.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_row_says_whether_its_goal_is_met() {
        let row = Row { floor: Some(10.0), goal: Some(20.0), ..Row::new("a call", 15.0, "ns") };
        assert_eq!(row.json()["ratio"], 1.5);
        assert_eq!(row.json()["met"], true);
        assert_eq!(Row::new("a call", 15.0, "ns").json()["met"], Value::Null);
    }
}
