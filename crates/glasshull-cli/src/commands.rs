//! Commands that ask once and print the answer.

use std::io::{IsTerminal, Read, Write};

use glasshull_api::answers::{Functions, Instances, Probes, Rows, Skipped, StatementAnswer};
use glasshull_api::statement::limits::MAX_STATEMENT_BYTES;
use glasshull_api::{Code, Failure};
use serde_json::{Map, Value, json};

use crate::args::{Format, Order, TreeOrder};
use crate::client::Client;
use crate::cost;
use crate::failed::Failed;
use crate::losses;
use crate::output::{Grid, Output};
use crate::plain::plain;
use crate::tree;

/// Words that make of several arguments one statement.
const CLAUSES: [&str; 7] = ["ON", "WHERE", "FOR", "LIMIT", "RATE", "SAMPLE", "CAPTURE"];

pub(crate) fn trace(client: &Client, output: Output, order: &Order) -> Result<(), Failed> {
    carry_out(client, output, &trace_statement(order), None)
}

pub(crate) fn untrace(client: &Client, output: Output, which: &[String]) -> Result<(), Failed> {
    let mut ended = Probes::default();
    for which in which {
        let answer = client.statement(&format!("UNTRACE {which}"), None)?;
        if let StatementAnswer::Probes(probes) = answer {
            ended.probes.extend(probes.probes);
        }
    }
    print_probes(output, &ended)
}

pub(crate) fn probes(client: &Client, output: Output) -> Result<(), Failed> {
    let probes: Probes = client.get("probes")?;
    if probes.probes.is_empty() {
        note("No probe is running. Start one: glasshull trace 'crate::module::*' --for 60s");
    }
    print_probes(output, &probes)
}

pub(crate) fn functions(client: &Client, output: Output, like: Option<&str>) -> Result<(), Failed> {
    if let Some(like) = like {
        return carry_out(client, output, &format!("SHOW FUNCTIONS LIKE {}", quoted(like)), None);
    }
    let functions: Functions = client.get("functions")?;
    if functions.functions.is_empty() {
        note("No instance is connected, so nothing can be traced. `glasshull doctor` says how to connect one.");
    }
    if let Some(partial) = &functions.partial {
        note(partial);
    }
    output.answer(&functions, &functions.functions, || Grid {
        rows: functions
            .functions
            .iter()
            .map(|f| {
                vec![
                    json!(f.service),
                    json!(f.function),
                    json!(f.arguments.join(", ")),
                    json!(format!("{}:{}", f.file, f.line)),
                    json!(f.instances),
                    json!(f.probes.join(" ")),
                ]
            })
            .collect(),
        ..Grid::new(&["service", "function", "arguments", "place", "instances", "probes"])
    })
}

pub(crate) fn instances(client: &Client, output: Output) -> Result<(), Failed> {
    let instances: Instances = client.get("instances")?;
    if instances.instances.is_empty() {
        note("No instance has ever connected. `glasshull doctor` says how to connect one.");
    }
    output.answer(&instances, &instances.instances, || Grid {
        rows: instances
            .instances
            .iter()
            .map(|i| {
                let state = if i.connected { "connected" } else { "left" };
                vec![
                    json!(i.service),
                    json!(i.instance),
                    json!(i.class),
                    json!(i.release),
                    json!(state),
                    json!(i.since),
                    json!(i.functions),
                    json!(i.load.drops.lost()),
                    json!(losses::of_instance(&i.load.drops)),
                    json!(cost::of_instance(&i.load)),
                ]
            })
            .collect(),
        ..Grid::new(&[
            "service",
            "instance",
            "class",
            "release",
            "state",
            "since",
            "functions",
            "lost calls",
            "drops",
            "cost",
        ])
    })
}

pub(crate) fn query(client: &Client, output: Output, statement: &str, max_rows: Option<u32>) -> Result<(), Failed> {
    match statement {
        "-" => carry_out(client, output, &from_standard_input()?, max_rows),
        statement => carry_out(client, output, statement, max_rows),
    }
}

pub(crate) fn tree(client: &Client, output: Output, order: &TreeOrder) -> Result<(), Failed> {
    carry_out(client, output, &tree_statement(order), None)
}

/// Carries out a statement and prints what it answers.
fn carry_out(client: &Client, output: Output, statement: &str, max_rows: Option<u32>) -> Result<(), Failed> {
    match client.statement(statement, max_rows)? {
        StatementAnswer::Rows(rows) => print_rows(output, &rows),
        StatementAnswer::Tree(answer) => tree::print(output, &answer),
        StatementAnswer::TreeColumns(_) => {
            note("The hub answered with columns, for which nobody asked.");
            Err(Failed::Told)
        }
        StatementAnswer::Probes(probes) => print_probes(output, &probes),
    }
}

fn print_rows(output: Output, rows: &Rows) -> Result<(), Failed> {
    if let Some(partial) = &rows.partial {
        note(&format!("This is not all: {partial}"));
    }
    let columns: Vec<String> = rows.columns.iter().map(|column| column.name.clone()).collect();
    let object =
        |row: &Vec<Value>| -> Map<String, Value> { columns.iter().cloned().zip(row.iter().cloned()).collect() };
    let items: Vec<_> =
        if output.format == Format::Ndjson { rows.rows.iter().map(object).collect() } else { Vec::new() };
    output.answer(rows, &items, || Grid { columns: columns.clone(), rows: rows.rows.clone() })
}

fn print_probes(output: Output, probes: &Probes) -> Result<(), Failed> {
    output.answer(probes, &probes.probes, || Grid {
        rows: probes
            .probes
            .iter()
            .map(|p| {
                let Skipped { by_sample, by_rate, by_condition, by_governor, .. } = p.skipped;
                vec![
                    json!(p.id),
                    json!(p.state),
                    json!(p.captured),
                    json!(p.calls_left),
                    json!(by_sample + by_rate + by_condition + by_governor),
                    json!(losses::of_probe(p)),
                    json!(cost::of_probe(p)),
                    json!(p.expires_at),
                    json!(p.statement),
                    json!(p.reason),
                ]
            })
            .collect(),
        ..Grid::new(&[
            "probe",
            "state",
            "captured",
            "calls left",
            "skipped",
            "values",
            "cost",
            "expires",
            "statement",
            "reason",
        ])
    })
}

/// `TRACE ..`: several patterns stand behind commas, unless what was given is a statement already.
fn trace_statement(order: &Order) -> String {
    let is_statement =
        |word: &String| word.contains(char::is_whitespace) || CLAUSES.iter().any(|c| c.eq_ignore_ascii_case(word));
    let separator = if order.patterns.iter().any(is_statement) { " " } else { ", " };
    let mut statement = format!("TRACE {}", order.patterns.join(separator));
    if !order.on.is_empty() {
        statement += &format!(" ON {}", order.on.iter().map(|pair| selector(pair)).collect::<Vec<_>>().join(", "));
    }
    let clauses = [
        order.condition.as_ref().map(|condition| format!(" WHERE {condition}")),
        order.duration.as_ref().map(|duration| format!(" FOR {duration}")),
        order.limit.map(|calls| format!(" LIMIT {calls} CALLS")),
        order.rate.map(|calls| format!(" RATE {calls} PER SECOND")),
        order.sample.map(|of| format!(" SAMPLE 1 IN {of}")),
        order.capture.as_ref().map(|limits| format!(" CAPTURE {limits}")),
    ];
    statement + &clauses.into_iter().flatten().collect::<String>()
}

/// `key=value`, the value quoted: a shell took the quotes that were there.
fn selector(pair: &str) -> String {
    match pair.split_once('=') {
        Some((key, value)) if !value.starts_with('\'') && !value.contains(',') => format!("{key}={}", quoted(value)),
        _ => pair.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn tree_statement(order: &TreeOrder) -> String {
    let of = match (&order.id, &order.of) {
        (Some(id), _) => id.clone(),
        (None, Some(query)) => format!("OF ({query})"),
        (None, None) => String::new(),
    };
    let hops = |word: &str, levels: &Option<String>| {
        levels.as_ref().map_or_else(String::new, |levels| format!(" {word} {levels}").trim_end().to_owned())
    };
    let siblings = if order.siblings { " SIBLINGS" } else { "" };
    format!("TREE {of}{}{}{siblings}", hops("ANCESTORS", &order.ancestors), hops("DESCENDANTS", &order.descendants))
}

fn from_standard_input() -> Result<String, Failed> {
    let mut statement = String::new();
    let mut input = std::io::stdin().lock().take(MAX_STATEMENT_BYTES as u64 + 1);
    input.read_to_string(&mut statement).map_err(|error| {
        Failure::new(Code::RequestMalformed, format!("The statement cannot be read from standard input: {error}."))
    })?;
    Ok(statement)
}

/// Says something to people that is no data.
pub(crate) fn note(text: &str) {
    let mut to = std::io::stderr().lock();
    let _ =
        if to.is_terminal() { writeln!(to, "\x1b[2m{}\x1b[0m", plain(text)) } else { writeln!(to, "{}", plain(text)) };
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use glasshull_api::statement::{Statement, parse};

    use super::*;
    use crate::args::{Args, Command};

    fn typed(words: &[&str]) -> String {
        let args = Args::try_parse_from([&["glasshull"], words].concat()).expect("good usage");
        match args.command {
            Command::Trace(order) => trace_statement(&order),
            Command::Tree(order) => tree_statement(&order),
            _ => panic!("no statement"),
        }
    }

    #[track_caller]
    fn check(words: &[&str], statement: &str) {
        let made = typed(words);
        assert_eq!(parse(&made).expect(&made), parse(statement).expect(statement), "{made}");
    }

    #[test]
    fn flags_and_statements_say_the_same() {
        let statement = "TRACE pricing::* ON class=blue FOR 60s";
        check(&["trace", "pricing::*", "--on", "class=blue", "--for", "60s"], statement);
        check(&["trace", "pricing::* ON class=blue FOR 60s"], statement);
        check(&["trace", "pricing::*", "ON", "class=blue", "FOR", "60s"], statement);
        check(&["trace", "a::*", "b::*", "--limit", "5"], "TRACE a::*, b::* LIMIT 5 CALLS");
        check(
            &["trace", "f", "--where", "duration > 5ms", "--rate", "3", "--sample", "4", "--on", "host=a b"],
            "TRACE f ON host='a b' WHERE duration > 5ms RATE 3 PER SECOND SAMPLE 1 IN 4",
        );
        let statement = "TRACE f FOR 1m CAPTURE 200 ITEMS, 12 DEEP";
        check(&["trace", "f", "--for", "1m", "--capture", "200 ITEMS, 12 DEEP"], statement);
        check(&["trace", "f", "FOR", "1m", "CAPTURE", "200", "ITEMS,", "12", "DEEP"], statement);
        let made = parse(&typed(&["trace", "f", "--on", "class=blue", "--on", "release=1.0"]));
        assert!(matches!(made, Ok(Statement::Trace(trace)) if trace.selectors.len() == 2));
    }

    #[test]
    fn trees_are_asked_for_by_flags() {
        check(&["tree", "4f8e1c7a"], "TREE 4f8e1c7a");
        check(&["tree", "4f8e1c7a", "--ancestors", "--descendants", "2"], "TREE 4f8e1c7a ANCESTORS DESCENDANTS 2");
        check(
            &["tree", "--of", "SELECT call_id FROM calls", "--siblings"],
            "TREE OF (SELECT call_id FROM calls) SIBLINGS",
        );
    }
}
