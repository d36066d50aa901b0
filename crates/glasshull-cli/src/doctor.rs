//! `glasshull doctor`: what is wrong between here, a hub and its instances, and what to do about it.

mod session;

use glasshull_api::answers::{Drops, Instance, Instances, Status};
use glasshull_api::{Code, Failure};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Serialize;
use serde_json::json;
use ureq::http::header;

use crate::args::Format;
use crate::client::Client;
use crate::failed::Failed;
use crate::losses;
use crate::output::{Grid, Output};
use crate::plain::plain;

/// Clocks may differ by so much: the hub tells whole seconds, and the answer takes a while.
const MAX_CLOCK_DIFFERENCE_SECONDS: i64 = 5;

/// How one thing is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Ok,
    /// It works, and somebody should know this.
    Warning,
    Failed,
}

/// What was found out about one thing.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) what: &'static str,
    pub(crate) verdict: Verdict,
    /// A sentence.
    pub(crate) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Finding {
    pub(crate) fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    pub(crate) fn warning(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    pub(crate) fn failed(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Failed, found: found.into(), advice: Some(advice.into()) }
    }

    fn of(what: &'static str, failed: Failed) -> Self {
        let failure = match failed {
            Failed::Failure(failure) | Failed::Statement { failure, .. } => *failure,
            Failed::Output(error) => Failure::new(Code::Internal, error.to_string()),
            Failed::Told => Failure::new(Code::Internal, "It failed."),
        };
        let advice = failure.hint.clone().unwrap_or_else(|| format!("docs/failures/{}.md says more.", failure.code));
        Self::failed(what, failure.message, advice)
    }
}

/// Checks everything, prints what was found, and fails if something has.
pub(crate) fn doctor(client: &Client, output: Output, service: Option<&str>) -> Result<(), Failed> {
    let findings = examine(client, service);
    print(output, &findings)?;
    if findings.iter().any(|finding| finding.verdict == Verdict::Failed) { Err(Failed::Told) } else { Ok(()) }
}

/// One thing after the other; where a hub cannot be reached at all, the rest has no answer.
fn examine(client: &Client, service: Option<&str>) -> Vec<Finding> {
    let mut findings = vec![reachable(client)];
    if findings[0].verdict == Verdict::Failed {
        return findings;
    }
    findings.push(ready(client));
    findings.extend(status(client));
    findings.push(clock(client));
    findings.push(session::check(client));
    findings.extend(instances(client, service));
    findings
}

fn reachable(client: &Client) -> Finding {
    match client.get_raw("/healthz") {
        Ok(response) if response.status().is_success() => {
            Finding::ok("hub", format!("A hub answers at {}.", client.url))
        }
        Ok(response) => Finding::failed(
            "hub",
            format!("{} answers {}, as no hub does.", client.url, response.status()),
            "Something else listens there. Say where the hub is with --hub or GLASSHULL_HUB.",
        ),
        Err(failed) => Finding::of("hub", failed),
    }
}

fn ready(client: &Client) -> Finding {
    let response = match client.get_raw("/readyz") {
        Ok(response) => response,
        Err(failed) => return Finding::of("disk", failed),
    };
    if response.status().is_success() {
        return Finding::ok("disk", "It can write its journal and its catalog.");
    }
    let mut body = response.into_body();
    let failure = body.read_json::<glasshull_api::failure::FailureBody>().map(|body| body.error);
    match failure {
        Ok(failure) => {
            Finding::failed("disk", failure.message, format!("docs/failures/{}.md says what to do.", failure.code))
        }
        Err(error) => Finding::failed("disk", format!("It is not ready: {error}."), "Read the hub's log."),
    }
}

fn status(client: &Client) -> Vec<Finding> {
    let status: Status = match client.get("status") {
        Ok(status) => status,
        Err(failed) => return vec![Finding::of("key", failed)],
    };
    let here = env!("CARGO_PKG_VERSION");
    let version = if status.version == here {
        Finding::ok("version", format!("Hub and command line are both {here}."))
    } else {
        Finding::warning(
            "version",
            format!("The hub is {}, this command line {here}.", status.version),
            "Both work together as far as both know a thing; use the same release for all of it.",
        )
    };
    let durability = if status.durability == "relaxed" {
        Finding::warning(
            "durability",
            "Durability is relaxed: a power cut loses the last second or so of what was acknowledged.",
            "Start the hub with --durability journal where nothing acknowledged may be lost.",
        )
    } else if status.durability == "object-store" {
        Finding::ok("durability", "What is acknowledged is in the object store.")
    } else {
        Finding::ok("durability", "What is acknowledged is on the disk.")
    };
    vec![Finding::ok("key", "The hub takes what is asked from here."), version, durability]
}

fn clock(client: &Client) -> Finding {
    let told = client.get_raw("/healthz").ok().and_then(|response| {
        let date = response.headers().get(header::DATE)?.to_str().ok()?.to_owned();
        rfc2822::parse(&date.replace("GMT", "+0000")).ok()
    });
    let Some(told) = told else {
        return Finding::warning("clock", "The hub does not tell what time it has.", "Compare the clocks by hand.");
    };
    let difference = told.timestamp().as_second() - now().as_second();
    if difference.abs() <= MAX_CLOCK_DIFFERENCE_SECONDS {
        return Finding::ok("clock", "The hub's clock and the one here agree.");
    }
    let direction = if difference > 0 { "ahead of" } else { "behind" };
    Finding::warning(
        "clock",
        format!("The hub's clock is {} s {direction} the one here.", difference.abs()),
        "Set both with NTP: calls are stamped by the machine they ran on, and far ones are refused.",
    )
}

#[expect(clippy::disallowed_methods, reason = "the one clock that is compared with the hub's")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn instances(client: &Client, service: Option<&str>) -> Vec<Finding> {
    let all: Instances = match client.get("instances") {
        Ok(all) => all,
        Err(failed) => return vec![Finding::of("instances", failed)],
    };
    let meant: Vec<&Instance> =
        all.instances.iter().filter(|i| service.is_none_or(|service| i.service == service)).collect();
    let connected: Vec<&Instance> = meant.iter().copied().filter(|i| i.connected).collect();
    if connected.is_empty() {
        return vec![none_connected(client, service, &meant)];
    }
    let mut findings = vec![Finding::ok("instances", told(&connected))];
    findings.extend(connected.iter().filter_map(|instance| trouble(instance)));
    findings
}

fn none_connected(client: &Client, service: Option<&str>, gone: &[&Instance]) -> Finding {
    let which = service.map_or_else(String::new, |service| format!(" of the service `{service}`"));
    let last = gone.iter().max_by_key(|instance| &instance.since);
    let last =
        last.map_or_else(String::new, |i| format!(" The last was {} of {}, at {}.", i.instance, i.service, i.since));
    let advice = format!(
        "Call `glasshull::init()` first thing in the program's main, start it with GLASSHULL_HUB={} (and GLASSHULL_KEY, where \
        the hub has one), and look at what it writes to standard error.",
        client.url
    );
    let found = format!("No instance{which} is connected.{last}");
    // A hub may well be alone; a service that somebody asks about may not.
    match service {
        Some(_) => Finding::failed("instances", found, advice),
        None => Finding::warning("instances", found, advice),
    }
}

fn told(connected: &[&Instance]) -> String {
    let mut services: Vec<&str> = connected.iter().map(|instance| instance.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    let functions: u32 = connected.iter().map(|instance| instance.functions).sum();
    let (n, plural) = (connected.len(), if connected.len() == 1 { " is" } else { "s are" });
    format!("{n} instance{plural} connected, with {functions} functions: {}.", services.join(", "))
}

/// What an instance suffers from.
fn trouble(instance: &Instance) -> Option<Finding> {
    let name = format!("{} of {}", instance.instance, instance.service);
    if instance.functions == 0 {
        let advice = "Put #[glasshull::trace] on functions; see that no feature switches the SDK off in this build.";
        return Some(Finding::warning("functions", format!("{name} has no traceable function."), advice));
    }
    // Calls inside values are left out wherever there are such: nothing to be mended.
    let drops = Drops { inside_values: 0, ..instance.load.drops.clone() };
    let lost = drops.lost();
    (lost > 0).then(|| {
        let found = format!("{name} lost {lost} calls since it started ({}).", losses::of_instance(&drops));
        Finding::warning(
            "losses",
            found,
            "Ask for less: a narrower pattern, RATE, SAMPLE; or give the SDK more memory.",
        )
    })
}

fn print(output: Output, findings: &[Finding]) -> Result<(), Failed> {
    if output.format != Format::Table {
        return output.answer(&findings, findings, || Grid {
            rows: findings
                .iter()
                .map(|f| vec![json!(f.what), json!(f.verdict), json!(f.found), json!(f.advice)])
                .collect(),
            ..Grid::new(&["what", "verdict", "found", "advice"])
        });
    }
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warning => "warn",
            Verdict::Failed => "FAIL",
        };
        output.line(&format!("{verdict}  {:9}  {}", finding.what, plain(&finding.found)))?;
        if let Some(advice) = &finding.advice {
            output.line(&format!("                 -> {}", plain(advice)))?;
        }
    }
    Ok(())
}
