//! From samples to rows: each sample beside the one of the same round without the library.

use super::{CONTENDERS, Count};
use crate::report::{Row, quantile};

/// What one load of one server found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// CPU a request, in the threads that answer.
    pub(crate) answering_us: f64,
    /// CPU a request, in the threads that send what was captured.
    pub(crate) sending_us: f64,
    /// The share of its core that the server had.
    pub(crate) busy: f64,
    /// The share of the calls that were to be captured which arrived.
    pub(crate) arrived: f64,
}

impl Sample {
    /// Requests in a second of the server's CPU.
    fn per_cpu_second(&self) -> f64 {
        1e6 / (self.answering_us + self.sending_us)
    }

    /// Requests in a second of CPU of the threads that answer: those a second if sending had a core of its own.
    fn per_answering_second(&self) -> f64 {
        1e6 / self.answering_us
    }

    fn is_undisturbed(&self) -> bool {
        self.busy >= UNDISTURBED
    }
}

/// All samples, by contender: under full load, and under a calm one.
#[derive(Debug)]
pub(crate) struct Figures {
    samples: Vec<Vec<[Sample; 2]>>,
    counts: Vec<Count>,
}

impl Default for Figures {
    fn default() -> Self {
        Self { samples: vec![Vec::new(); CONTENDERS.len()], counts: vec![Count::default(); CONTENDERS.len()] }
    }
}

const FULL: usize = 0;
const CALM: usize = 1;

/// A server under full load that had less of its core than this was kept from it, by its load or by a stranger: how
/// many requests it answered a second says nothing about the server.
const UNDISTURBED: f64 = 0.9;

/// Of requests a second: what capturing all calls may take, in percent.
const GOAL: f64 = 3.0;

impl Figures {
    pub(crate) fn note(&mut self, contender: usize, samples: [Sample; 2]) {
        self.samples[contender].push(samples);
    }

    pub(crate) fn count(&mut self, contender: usize, count: Count) {
        let sum = &mut self.counts[contender];
        sum.made += count.made;
        sum.arrived += count.arrived;
        sum.left_out += count.left_out;
        sum.dropped += count.dropped;
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let contenders = || CONTENDERS.iter().enumerate();
        let of =
            |rows: fn(&Self, usize, &str) -> Vec<Row>| contenders().flat_map(move |(at, c)| rows(self, at, c.name));
        of(Self::throughput).chain(of(Self::cpu)).chain(of(Self::latency)).chain(of(Self::counts)).collect()
    }

    fn throughput(&self, at: usize, name: &str) -> Vec<Row> {
        let undisturbed =
            self.samples[at].iter().map(|samples| &samples[FULL]).filter(|sample| sample.is_undisturbed());
        let requests: Vec<f64> = undisturbed.map(|sample| sample.per_second).collect();
        let requests =
            Row { best: Some(quantile(&requests, 1.0)), ..row(format!("{name}: requests"), &requests, "1/s") };
        let fewer = |what: &str, per_second: fn(&Sample) -> f64, of: fn(&Sample) -> bool| {
            let goal = match name {
                "off" => Some(self.noise(per_second, of)),
                "all on" => Some(GOAL),
                _ => None,
            };
            Row { goal, ..row(format!("{name}: fewer requests{what}"), &self.fewer(at, per_second, of), "%") }
        };
        let rows = vec![
            requests,
            fewer(" a second", |sample| sample.per_second, Sample::is_undisturbed),
            fewer(" in a second of its CPU", Sample::per_cpu_second, |_| true),
            fewer(", sending left out", Sample::per_answering_second, |_| true),
        ];
        if at == 0 { rows.into_iter().take(1).collect() } else { rows }
    }

    fn cpu(&self, at: usize, name: &str) -> Vec<Row> {
        let rows = |load, which: &str| {
            let answering = self.each(at, load, |sample| sample.answering_us);
            let sending = self.each(at, load, |sample| sample.sending_us);
            let answering = row(format!("{name}: CPU, threads that answer, {which}"), &answering, "µs/request");
            let sending = row(format!("{name}: CPU, thread that sends, {which}"), &sending, "µs/request");
            if sending.value > 0.0 { vec![answering, sending] } else { vec![answering] }
        };
        [rows(FULL, "full load"), rows(CALM, "calm load")].concat()
    }

    fn latency(&self, at: usize, name: &str) -> Vec<Row> {
        let p99 = |load| self.each(at, load, |sample| sample.p99_us);
        vec![
            row(format!("{name}: p99, full load"), &p99(FULL), "µs"),
            row(format!("{name}: p50, calm load"), &self.each(at, CALM, |sample| sample.p50_us), "µs"),
            row(format!("{name}: p99, calm load"), &p99(CALM), "µs"),
        ]
    }

    fn counts(&self, at: usize, name: &str) -> Vec<Row> {
        let count = self.counts[at];
        if count.made == 0 {
            return Vec::new();
        }
        let arrived = |load| self.each(at, load, |sample| sample.arrived * 100.0);
        let calls = |what: &str, calls: f64| Row::new(format!("{name}: calls {what}"), calls, "calls");
        vec![
            row(format!("{name}: calls that arrived, full load"), &arrived(FULL), "%"),
            row(format!("{name}: calls that arrived, calm load"), &arrived(CALM), "%"),
            calls("made", count.made as f64),
            calls("arrived", count.arrived as f64),
            calls("of requests left out whole", count.left_out as f64),
            calls("dropped inside requests", count.dropped as f64),
            calls("of which nothing is known", count.unknown() as f64),
        ]
    }

    /// How many fewer there are than without the library, in percent, in the rounds in which both samples are good.
    fn fewer(&self, contender: usize, per_second: fn(&Sample) -> f64, of: fn(&Sample) -> bool) -> Vec<f64> {
        let pairs = self.samples[0].iter().zip(&self.samples[contender]);
        let pairs = pairs.map(|(absent, sample)| (&absent[FULL], &sample[FULL]));
        let good = pairs.filter(|(absent, sample)| of(absent) && of(sample));
        good.map(|(absent, sample)| (1.0 - per_second(sample) / per_second(absent)) * 100.0).collect()
    }

    /// By how much two processes of one program differ: the upper quartile, in percent.
    fn noise(&self, per_second: fn(&Sample) -> f64, of: fn(&Sample) -> bool) -> f64 {
        let differences: Vec<f64> = self.fewer(1, per_second, of).into_iter().map(f64::abs).collect();
        quantile(&differences, 0.75)
    }

    fn each(&self, contender: usize, load: usize, value: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.samples[contender].iter().map(|samples| value(&samples[load])).collect()
    }
}

fn row(what: String, values: &[f64], unit: &'static str) -> Row {
    let quartiles = Some([quantile(values, 0.25), quantile(values, 0.75)]);
    Row { quartiles, best: Some(quantile(values, 0.0)), ..Row::new(what, quantile(values, 0.5), unit) }
}
