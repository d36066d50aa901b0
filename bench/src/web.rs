//! What a web server pays under load: one endpoint, twenty nested calls a request, the library absent, off, on for one
//! function, on for all twenty, and `tracing` with OpenTelemetry in its place.
//!
//! The server has a core of its own and nothing else to do, so that whatever capturing takes, in the requests' thread
//! or beside it, is taken from requests. The load, the stand-in for the hub and the collector have the other cores. All
//! servers run at once and are loaded in turns, so that a machine that gets slower or faster does so for all; they are
//! started anew several times, as two processes of one program are never equally fast.

mod alone;
mod collector;
mod figures;
mod load;
mod orders;
mod processes;
mod server;

use std::time::{Duration, Instant};

use collector::Collector;
use figures::{Figures, Sample};
use load::Load;
pub(crate) use load::be_a_load;
use processes::{Cores, Server};
pub(crate) use server::be_a_server;

use crate::Outcome;
use crate::report::Report;
use crate::stand_in::StandIn;

/// Times all servers are started, and rounds over them each time.
const STARTS: usize = 3;
const ROUNDS: usize = 12;

/// As fast as the server answers.
const FULL: Load = Load { connections: 32, rest: Duration::ZERO, within: Duration::from_millis(400) };

/// With most of the core idle.
const CALM: Load = Load { connections: 8, rest: Duration::from_millis(2), within: Duration::from_millis(400) };

/// How long what was captured may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is measured, in the order of the report.
pub(crate) const CONTENDERS: &[Contender] = &[
    Contender { name: "absent", server: "absent", calls: 0, far: || Ok(Far::Nothing) },
    Contender { name: "absent, again", server: "absent", calls: 0, far: || Ok(Far::Nothing) },
    Contender { name: "off", server: "traced", calls: 0, far: || Ok(Far::Hub(StandIn::idle()?)) },
    Contender {
        name: "one on",
        server: "traced",
        calls: 1,
        far: || Ok(Far::Hub(StandIn::attentive("*::traced::tax")?)),
    },
    Contender { name: "all on", server: "traced", calls: orders::CALLS, far: all },
    Contender { name: "OpenTelemetry", server: "otel", calls: orders::CALLS, far: collected },
];

/// One of those that are compared.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// What `bench server NAME` is started.
    server: &'static str,
    /// Calls of one request that are to be captured.
    pub(crate) calls: u64,
    far: fn() -> Outcome<Far>,
}

/// Where a server sends what it captures.
enum Far {
    Nothing,
    Hub(StandIn),
    Collector(Collector),
}

fn all() -> Outcome<Far> {
    Ok(Far::Hub(StandIn::attentive("*::traced::*")?))
}

fn collected() -> Outcome<Far> {
    Ok(Far::Collector(Collector::start()?))
}

/// Measures in some five minutes.
pub(crate) fn measure() -> Outcome<Report> {
    let cores = Cores::part()?;
    let alone = alone::measure()?;
    let mut figures = Figures::default();
    for start in 0..STARTS {
        let field = CONTENDERS.iter().map(|contender| Runner::start(contender, &cores)).collect::<Outcome<Vec<_>>>()?;
        for round in 0..ROUNDS {
            for place in turns(start + round, field.len()) {
                figures.note(place, field[place].run()?);
            }
        }
        for (place, runner) in field.iter().enumerate() {
            figures.count(place, runner.settle()?);
        }
    }
    Ok(Report::new("web", [figures.rows(), alone].concat()))
}

/// Each once, from another one each round, and backwards every other.
fn turns(round: usize, of: usize) -> Vec<usize> {
    let mut turns: Vec<usize> = (0..of).map(|place| (place + round / 2) % of).collect();
    if round % 2 == 1 {
        turns.reverse();
    }
    turns
}

/// A server with what it sends to.
struct Runner {
    contender: &'static Contender,
    server: Server,
    far: Far,
    cores: Cores,
}

/// What became of the calls that were to be captured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// Those of requests that were answered.
    pub(crate) made: u64,
    pub(crate) arrived: u64,
    /// In requests of which nothing is captured, as the first call found no room; it is counted, those below are not.
    pub(crate) left_out: u64,
    /// Found no room inside captured requests, each of them counted.
    pub(crate) dropped: u64,
}

impl Runner {
    fn start(contender: &'static Contender, cores: &Cores) -> Outcome<Self> {
        let far = (contender.far)()?;
        let server = Server::start(contender.server, cores, far.environment())?;
        if let Far::Hub(hub) = &far {
            hub.wait_until_connected()?;
            if contender.calls > 0 {
                hub.wait_until_probed()?;
            }
        }
        let runner = Self { contender, server, far, cores: cores.clone() };
        // What is cold is not measured.
        runner.run()?;
        Ok(runner)
    }

    fn run(&self) -> Outcome<[Sample; 2]> {
        Ok([self.load(FULL)?, self.load(CALM)?])
    }

    fn load(&self, load: Load) -> Outcome<Sample> {
        let (requests, arrived) = (self.server.requests(), self.far.arrived());
        let sample = self.server.load(load, &self.cores)?;
        let calls = (self.server.requests() - requests) * self.contender.calls;
        Ok(Sample { arrived: (self.far.arrived() - arrived) as f64 / calls.max(1) as f64, ..sample })
    }

    /// Waits until every call has arrived or is counted as lost.
    fn settle(&self) -> Outcome<Count> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let count = self.far.count(self.server.requests(), self.contender.calls);
            if count.is_whole() || Instant::now() > deadline {
                return Ok(count);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Count {
    /// Nothing is missing, and nothing came twice.
    fn is_whole(&self) -> bool {
        self.unknown() == 0
    }

    /// Calls of which nothing is known; below zero if some came twice.
    pub(crate) fn unknown(&self) -> i64 {
        self.made as i64 - (self.arrived + self.left_out + self.dropped) as i64
    }
}

impl Far {
    fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Hub(hub) => vec![("GLASSHULL_HUB", hub.address().into())],
            Self::Collector(collector) => vec![
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.endpoint().into()),
                // By default it holds 2,048 spans, those of a hundred requests, and drops what exceeds.
                ("OTEL_BSP_MAX_QUEUE_SIZE", "65536".into()),
                ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096".into()),
                // By default 5,000: it would send into others' turns.
                ("OTEL_BSP_SCHEDULE_DELAY", "50".into()),
            ],
        }
    }

    /// Of requests that were answered, with so many calls each to be captured.
    fn count(&self, requests: u64, calls: u64) -> Count {
        let made = requests * calls;
        match self {
            Self::Nothing => Count { made, ..Count::default() },
            Self::Hub(hub) => {
                let roots = if calls > 0 { requests.saturating_sub(hub.roots()) } else { 0 };
                let dropped = hub.dropped().saturating_sub(roots);
                Count { made, arrived: hub.captured(), left_out: roots * calls, dropped }
            }
            Self::Collector(collector) => Count { made, arrived: collector.spans(), ..Count::default() },
        }
    }

    /// Calls that arrived so far.
    fn arrived(&self) -> u64 {
        self.count(0, 0).arrived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_in_each_round_and_is_first_at_times() {
        let rounds: Vec<Vec<usize>> = (0..12).map(|round| turns(round, 6)).collect();
        for round in &rounds {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
        }
        assert!((0..6).all(|place| rounds.iter().any(|round| round[0] == place)));
    }

    #[test]
    fn calls_are_accounted_for() {
        let count = Count { made: 60, arrived: 37, left_out: 20, dropped: 3 };
        assert_eq!(count.unknown(), 0);
        assert_eq!(Count { arrived: 38, ..count }.unknown(), -1);
    }
}
