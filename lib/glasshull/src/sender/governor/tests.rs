use super::*;

const SECOND: f64 = 1e9;

/// A process whose probes would cost so many nanoseconds a second if each request were captured.
struct Process {
    governor: Governor,
    probes: Vec<Governed>,
    look: Look,
    suspended: Vec<usize>,
}

impl Process {
    /// On two cores, of which capturing may take 1 %: 20 ms a second.
    fn new(probes: usize) -> Self {
        let now = Instant::now();
        let governor = Governor::new(0.01, 2.0, now);
        let probes = vec![Governed { one_in: 1, cost_ns: 0.0 }; probes];
        Self { governor, probes, look: Look { spent_ns: 0, lost: 0, now }, suspended: Vec::new() }
    }

    /// A second in which the probes cost this by their requests, and `fixed` whatever is let in.
    fn second(&mut self, full: &[f64], fixed: f64) {
        for (probe, full) in self.probes.iter_mut().zip(full) {
            probe.cost_ns = full / f64::from(probe.one_in) + fixed;
        }
        self.look.spent_ns += self.probes.iter().map(|probe| probe.cost_ns).sum::<f64>() as u64;
        self.look.now += Duration::from_secs(1);
        self.suspended.extend(self.governor.judge(self.look, &mut self.probes));
    }

    fn levels(&self) -> Vec<u32> {
        self.probes.iter().map(|probe| probe.one_in).collect()
    }
}

#[test]
fn what_stays_within_the_budget_is_left_alone_and_so_is_a_burst() {
    let mut process = Process::new(1);
    (0..100).for_each(|_| process.second(&[0.019 * SECOND], 0.0));
    process.second(&[0.04 * SECOND], 0.0);
    assert_eq!((process.levels(), process.suspended), (vec![1], vec![]));
    assert_eq!(process.governor.share(), 0.02);
}

#[test]
fn too_much_is_cut_back_to_within_the_budget_and_stays_there() {
    let mut process = Process::new(1);
    let mut levels = Vec::new();
    for _ in 0..120 {
        process.second(&[0.3 * SECOND], 0.0);
        levels.push(process.levels()[0]);
    }
    assert_eq!(levels[..3], [16; 3], "at once to a power of two at which it fits");
    assert!(levels.iter().all(|&n| n == 16), "no swinging to and fro: {levels:?}");
    assert!(process.suspended.is_empty() && process.governor.share() <= 0.01);
    assert_eq!(
        process.governor.reason(),
        "capturing took 15.00 % of the CPU time this process may use, 1 % of it are allowed"
    );
}

#[test]
fn when_there_is_room_again_each_request_is_let_in_again() {
    let mut process = Process::new(1);
    (0..10).for_each(|_| process.second(&[0.3 * SECOND], 0.0));
    let mut levels = Vec::new();
    for _ in 0..40 {
        process.second(&[0.01 * SECOND], 0.0);
        levels.push(process.levels()[0]);
    }
    assert!(levels.is_sorted_by(|a, b| a >= b) && levels[39] == 1, "{levels:?}");
    assert!(levels.windows(2).all(|two| two[0] / two[1] <= 2), "step by step: {levels:?}");
}

#[test]
fn what_comes_and_goes_is_let_in_more_and_more_seldom() {
    // Each time it is quiet for as long as it takes to be let in, it pours again.
    let mut process = Process::new(1);
    let mut changes = Vec::new();
    for second in 0..600 {
        let before = process.levels();
        let full = if before[0] == 1 { 0.4 } else { 0.001 };
        process.second(&[full * SECOND], 0.0);
        if process.levels() > before {
            changes.push(second);
        }
    }
    let gaps: Vec<i32> = changes.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps.is_sorted() && gaps.len() < 12, "{gaps:?}");
}

#[test]
fn the_most_expensive_is_cut_first() {
    let mut process = Process::new(3);
    for _ in 0..20 {
        process.second(&[0.3 * SECOND, 0.004 * SECOND, 0.001 * SECOND], 0.0);
    }
    assert_eq!((process.levels(), process.governor.incoming()), (vec![32, 1, 1], 1));
}

#[test]
fn where_it_does_not_help_all_are_cut_and_what_comes_in_too() {
    // The first one's calls stand in the requests of the second.
    let mut process = Process::new(2);
    for _ in 0..10 {
        let [inner, outer] = [process.probes[0].one_in, process.probes[1].one_in].map(f64::from);
        process.second(&[0.3 * SECOND * inner / outer, 0.001 * SECOND], 0.0);
    }
    assert!(process.levels()[1] >= 16 && process.governor.incoming() >= 16, "{:?}", process.levels());
    assert!(process.suspended.is_empty() && process.governor.share() <= 0.01);
}

#[test]
fn only_what_costs_too_much_at_the_least_is_switched_off_the_most_expensive() {
    let mut process = Process::new(2);
    let mut least_before = false;
    for _ in 0..10 {
        let is_least = process.levels() == [MAX_ONE_IN; 2];
        process.second(&[0.1 * SECOND, 0.2 * SECOND], 0.05 * SECOND);
        assert!(process.suspended.is_empty() || is_least, "cut back before it is switched off");
        least_before |= is_least;
    }
    assert!(least_before && process.suspended[0] == 1, "{:?}", process.suspended);
}

#[test]
fn a_buffer_that_stays_full_cuts_all_back_and_then_switches_off() {
    let mut process = Process::new(1);
    let mut levels = Vec::new();
    for _ in 0..10 {
        process.look.lost += 1;
        process.second(&[0.001 * SECOND], 0.0);
        levels.push(process.levels()[0]);
    }
    assert_eq!(levels, [1, 1, 1, 1, 4, 16, 64, 256, 1024, 1024]);
    assert_eq!(process.suspended, [0]);
    assert!(process.governor.reason().contains("calls were lost because the hub"), "{}", process.governor.reason());
}

#[test]
fn without_a_limit_nothing_is_cut_for_its_cost() {
    let mut process = Process::new(1);
    process.governor = Governor::new(0.0, 2.0, process.look.now);
    (0..5).for_each(|_| process.second(&[2.0 * SECOND], 0.0));
    assert_eq!((process.levels(), process.suspended), (vec![1], vec![]));
}
