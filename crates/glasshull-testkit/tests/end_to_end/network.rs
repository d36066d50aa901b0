//! A network between instances and a hub that delays, cuts connections in the middle of a message, swallows answers, and
//! delivers what was sent on a connection that is long gone: by chance and by a seed.
//!
//! A seed that fails runs alone with `GLASSHULL_SEED=7 cargo test --profile quick -p glasshull-testkit network`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::audit::Auditor;
use crate::chance::{Chance, seeds};
use crate::hub_process::{HubProcess, eventually_told};

const MIB: usize = 1 << 20;

/// The longest that bytes are held up, beside those of a lost connection.
const LONGEST_DELAY: Duration = Duration::from_millis(15);

/// How long what was sent on a lost connection is under way: the next one is open by then.
const LATE: Duration = Duration::from_millis(400);

/// The bytes of a handshake and a greeting: connections live a little longer than that.
const GREETING_BYTES: u64 = 2_000;

/// What becomes of a connection while the network is bad.
#[derive(Clone, Copy, Debug)]
struct Fate {
    /// After so many bytes to the hub it is cut; the last of them are half a message, as a rule.
    cut_after: u64,
    /// So many bytes before that the hub's answers begin to be lost.
    deaf_for: u64,
    /// What was sent last comes to the hub, but after the connection is gone.
    is_late: bool,
    delays: bool,
}

/// Stands between instances and a hub.
struct Network {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    hub: SocketAddr,
    chance: Mutex<Chance>,
    is_bad: AtomicBool,
    cuts: AtomicU64,
    deaf: AtomicU64,
    late: AtomicU64,
}

impl Network {
    fn start(seed: u64, hub: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(State {
            hub,
            chance: Mutex::new(Chance::of(seed)),
            is_bad: AtomicBool::new(false),
            cuts: AtomicU64::default(),
            deaf: AtomicU64::default(),
            late: AtomicU64::default(),
        });
        let carrying = state.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|instance| carrying.carry(instance)));
        Self { address, state }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn become_bad(&self, is_bad: bool) {
        self.state.is_bad.store(is_bad, SeqCst);
    }

    /// Connections that were cut; of them, how many had lost answers, and how many had bytes that came late.
    fn harm(&self) -> [u64; 3] {
        [&self.state.cuts, &self.state.deaf, &self.state.late].map(|counter| counter.load(SeqCst))
    }
}

impl State {
    fn carry(self: &Arc<Self>, instance: TcpStream) {
        let Ok(hub) = TcpStream::connect(self.hub) else { return };
        let connection = Arc::new(Connection {
            fate: self.fate(),
            instance,
            hub,
            to_hub: AtomicU64::default(),
            chance: Mutex::new(Chance::of(self.chance.lock().expect("chance").next())),
            state: self.clone(),
        });
        let answers = connection.clone();
        std::thread::spawn(move || answers.carry_answers());
        std::thread::spawn(move || connection.carry_messages());
    }

    fn fate(&self) -> Fate {
        let mut chance = self.chance.lock().expect("chance");
        Fate {
            cut_after: GREETING_BYTES + chance.below(30_000),
            deaf_for: if chance.one_in(2) { chance.below(10_000) } else { 0 },
            is_late: chance.one_in(3),
            delays: chance.one_in(2),
        }
    }
}

struct Connection {
    fate: Fate,
    instance: TcpStream,
    hub: TcpStream,
    to_hub: AtomicU64,
    chance: Mutex<Chance>,
    state: Arc<State>,
}

impl Connection {
    fn carry_messages(&self) {
        let mut page = [0; 65_536];
        while let Ok(bytes @ 1..) = (&self.instance).read(&mut page) {
            self.delay();
            let before = self.to_hub.fetch_add(bytes as u64, SeqCst);
            let left = if self.is_bad() { self.fate.cut_after.saturating_sub(before) } else { u64::MAX };
            // What comes late comes whole, as a rule: the hub must not take it for another batch than the one that is sent again.
            let through = if self.fate.is_late && left < bytes as u64 { 0 } else { bytes.min(left as usize) };
            if through < bytes {
                let _ = (&self.hub).write_all(&page[..through]);
                return self.cut(&page[through..bytes]);
            }
            if (&self.hub).write_all(&page[..bytes]).is_err() {
                break;
            }
        }
        self.close();
    }

    fn carry_answers(&self) {
        let mut page = [0; 4_096];
        while let Ok(bytes @ 1..) = (&self.hub).read(&mut page) {
            self.delay();
            if !self.is_deaf() && (&self.instance).write_all(&page[..bytes]).is_err() {
                break;
            }
        }
        self.close();
    }

    fn is_deaf(&self) -> bool {
        let Fate { cut_after, deaf_for, .. } = self.fate;
        let deaf_from = cut_after.saturating_sub(deaf_for).max(GREETING_BYTES);
        deaf_for > 0 && self.is_bad() && self.to_hub.load(SeqCst) >= deaf_from
    }

    fn is_bad(&self) -> bool {
        self.state.is_bad.load(SeqCst)
    }

    /// The instance sees the connection go; the hub sees that now, or later, after it has got the rest.
    fn cut(&self, rest: &[u8]) {
        let State { cuts, deaf, late, .. } = &*self.state;
        cuts.fetch_add(1, SeqCst);
        deaf.fetch_add(u64::from(self.is_deaf()), SeqCst);
        let _ = self.instance.shutdown(Shutdown::Both);
        if self.fate.is_late {
            late.fetch_add(1, SeqCst);
            std::thread::sleep(LATE);
            let _ = (&self.hub).write_all(rest);
            std::thread::sleep(LATE);
        }
        self.close();
    }

    fn close(&self) {
        let _ = self.instance.shutdown(Shutdown::Both);
        let _ = self.hub.shutdown(Shutdown::Both);
    }

    fn delay(&self) {
        if self.fate.delays && self.is_bad() {
            let thousandths = self.chance.lock().expect("chance").below(1_000) as u32;
            std::thread::sleep(LONGEST_DELAY * thousandths / 1_000);
        }
    }
}

#[test]
fn each_call_is_stored_once_or_counted_as_lost_whatever_the_network_does() {
    for seed in seeds(1..7) {
        let mut hub = HubProcess::absent().with(&["--publish-after", "1s"]);
        hub.restart();
        let network = Network::start(seed, hub.address());
        // Two instances: one with room for everything, one that has to drop something now and then.
        let auditors = [("roaming", 64 * MIB), ("roaming-light", MIB / 32)]
            .map(|(service, bytes)| Auditor::through(network.url(), service, bytes));
        auditors.iter().for_each(|auditor| auditor.trace(&hub));
        network.become_bad(true);
        for round in 0..40 {
            auditors.iter().for_each(|auditor| auditor.call(round * 100..(round + 1) * 100));
        }
        network.become_bad(false);
        for auditor in &auditors {
            auditor.flush();
            eventually_told("every call is held once or counted as lost", |seen| {
                let (calls, numbers) = auditor.held(&hub);
                assert_eq!(calls, numbers, "seed {seed}: a call is there twice");
                *seen = format!("seed {seed}: {numbers} of 4000 are held, and lost are {}", auditor.drops(&hub));
                numbers + auditor.dropped(&hub) == 4_000
            });
        }
        let [cuts, deaf, late] = network.harm();
        assert!(cuts > 3 && deaf + late > 0, "seed {seed}: {cuts} cuts, {deaf} of them deaf, {late} late");
    }
}
