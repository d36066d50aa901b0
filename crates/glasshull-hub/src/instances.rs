//! Which processes are connected, and what they can trace: in memory, as it is true only while they are.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::sync::Arc;

use glasshull_api::answers::{Drops, Load};
use glasshull_catalog::{FunctionRow, InstanceId, InstanceRow};
use glasshull_wire::limits::MAX_FUNCTIONS;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::limits::{MAX_COUNT, MAX_FUNCTION_BYTES, MAX_FUNCTION_BYTES_IN_ALL, MAX_FUNCTIONS_IN_ALL};

/// One connected process.
#[derive(Clone, Debug)]
pub(crate) struct Connected {
    pub(crate) row: Arc<InstanceRow>,
    pub(crate) functions: Arc<Vec<Arc<FunctionRow>>>,
    function_bytes: usize,
    pub(crate) load: Load,
    seat: Seat,
}

/// A session's place among the connected instances. A newer session of the same instance takes it away.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) instance: InstanceId,
    number: u64,
    /// Cancelled when a newer session of the instance has come.
    pub(crate) taken: CancellationToken,
    /// Cancelled when the fate of all batches that came through this session is known.
    pub(crate) settled: CancellationToken,
}

/// A seat that is given back when this goes, however the session ends.
#[derive(Debug)]
pub(crate) struct Seated {
    instances: Arc<Instances>,
    seat: Seat,
}

impl Deref for Seated {
    type Target = Seat;

    fn deref(&self) -> &Seat {
        &self.seat
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.instances.leave(&self.seat);
    }
}

/// All connected processes.
#[derive(Debug, Default)]
pub(crate) struct Instances {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    connected: HashMap<InstanceId, Connected>,
    /// Each function once, with the number of connected instances that have it; by service, then path.
    functions: BTreeMap<Arc<FunctionRow>, u32>,
    functions_in_all: usize,
    function_bytes: usize,
    seats: u64,
    revision: u64,
}

impl Instances {
    /// Seats an instance; a session it had before loses its seat, which is returned as well.
    pub(crate) fn connect(self: &Arc<Self>, row: InstanceRow) -> (Seated, Option<Seat>) {
        let mut inner = self.inner.lock();
        let before = inner.remove(row.id).map(|connected| connected.seat);
        inner.seats += 1;
        let (taken, settled) = (CancellationToken::new(), CancellationToken::new());
        let seat = Seat { instance: row.id, number: inner.seats, taken, settled };
        let connected = Connected {
            row: Arc::new(row),
            functions: Arc::default(),
            function_bytes: 0,
            load: Load::default(),
            seat: seat.clone(),
        };
        inner.connected.insert(seat.instance, connected);
        inner.revision += 1;
        (Seated { instances: self.clone(), seat }, before)
    }

    /// Gives the seat back; what was known of the instance, if the seat was still this session's.
    pub(crate) fn leave(&self, seat: &Seat) -> Option<Connected> {
        let mut inner = self.inner.lock();
        inner.connected.get(&seat.instance).filter(|connected| connected.seat.number == seat.number)?;
        inner.revision += 1;
        inner.remove(seat.instance)
    }

    /// Adds functions an instance announced, as far as the limits allow; returns those no instance had before, and how
    /// many were refused.
    pub(crate) fn add_functions(&self, seat: &Seat, functions: Vec<FunctionRow>) -> (Vec<FunctionRow>, usize) {
        let mut inner = self.inner.lock();
        let mut new = Vec::new();
        let offered = functions.len();
        let mut taken = 0;
        for function in functions {
            if !inner.has_room(seat, &function) {
                break;
            }
            taken += 1;
            if inner.add_function(seat.instance, &function) {
                new.push(function);
            }
        }
        inner.revision += 1;
        (new, offered - taken)
    }

    /// Keeps what an instance says of its losses and of what capturing takes.
    pub(crate) fn report(&self, seat: &Seat, load: Load) {
        if let Some(connected) = self.inner.lock().seated(seat) {
            connected.load = load;
        }
    }

    /// One instance, while the seat is still this session's.
    pub(crate) fn seated(&self, seat: &Seat) -> Option<Connected> {
        self.inner.lock().seated(seat).cloned()
    }

    /// All of them, the newest last.
    pub(crate) fn all(&self) -> Vec<Connected> {
        let mut all: Vec<_> = self.inner.lock().connected.values().cloned().collect();
        all.sort_by_key(|connected| connected.seat.number);
        all
    }

    /// Each function once, with the number of instances that have it, by service and path.
    pub(crate) fn functions(&self) -> Vec<(Arc<FunctionRow>, u32)> {
        self.inner.lock().functions.iter().map(|(function, &instances)| (function.clone(), instances)).collect()
    }

    /// How many instances and how many functions.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        (inner.connected.len(), inner.functions.len())
    }

    /// Calls the connected instances lost, by reason.
    pub(crate) fn drops(&self) -> Drops {
        let inner = self.inner.lock();
        inner.connected.values().fold(Drops::default(), |all, connected| together(&all, &connected.load.drops))
    }

    /// Calls the connected instances lost.
    pub(crate) fn dropped(&self) -> u64 {
        self.drops().lost()
    }

    /// Grows with each change of instances or functions.
    pub(crate) fn revision(&self) -> u64 {
        self.inner.lock().revision
    }
}

fn together(one: &Drops, other: &Drops) -> Drops {
    let sum = |of: fn(&Drops) -> u64| of(one).saturating_add(of(other)).min(MAX_COUNT);
    Drops {
        ring_full: sum(|drops| drops.ring_full),
        buffer_full: sum(|drops| drops.buffer_full),
        no_ring: sum(|drops| drops.no_ring),
        refused: sum(|drops| drops.refused),
        open_full: sum(|drops| drops.open_full),
        unclaimed: sum(|drops| drops.unclaimed),
        inside_values: sum(|drops| drops.inside_values),
    }
}

impl Inner {
    fn seated(&mut self, seat: &Seat) -> Option<&mut Connected> {
        self.connected.get_mut(&seat.instance).filter(|connected| connected.seat.number == seat.number)
    }

    fn has_room(&mut self, seat: &Seat, function: &FunctionRow) -> bool {
        let bytes = bytes(function);
        let fits_in_all = self.functions_in_all < MAX_FUNCTIONS_IN_ALL
            && (self.function_bytes + bytes <= MAX_FUNCTION_BYTES_IN_ALL || self.functions.contains_key(function));
        let fits = |connected: &mut Connected| {
            connected.functions.len() < MAX_FUNCTIONS && connected.function_bytes + bytes <= MAX_FUNCTION_BYTES
        };
        fits_in_all && self.seated(seat).is_some_and(fits)
    }

    /// Whether no instance had the function before.
    fn add_function(&mut self, instance: InstanceId, function: &FunctionRow) -> bool {
        let shared = self.functions.get_key_value(function).map(|(shared, _)| shared.clone());
        let new = shared.is_none();
        let shared = shared.unwrap_or_else(|| Arc::new(function.clone()));
        let Some(connected) = self.connected.get_mut(&instance) else { return false };
        connected.function_bytes += bytes(function);
        self.function_bytes += if new { bytes(function) } else { 0 };
        Arc::make_mut(&mut connected.functions).push(shared.clone());
        *self.functions.entry(shared).or_default() += 1;
        self.functions_in_all += 1;
        new
    }

    fn remove(&mut self, instance: InstanceId) -> Option<Connected> {
        let gone = self.connected.remove(&instance)?;
        gone.seat.taken.cancel();
        self.functions_in_all -= gone.functions.len();
        for function in gone.functions.iter() {
            if let Some(instances) = self.functions.get_mut(function) {
                *instances -= 1;
                if *instances == 0 {
                    self.functions.remove(function);
                    self.function_bytes -= bytes(function);
                }
            }
        }
        Some(gone)
    }
}

/// What a function takes, in bytes.
fn bytes(function: &FunctionRow) -> usize {
    let names = function.service.len() + function.path.len() + function.file.len();
    let arguments: usize = function.arguments.iter().map(|name| name.len() + size_of::<String>()).sum();
    size_of::<FunctionRow>() + names + arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u8) -> InstanceRow {
        InstanceRow { id: InstanceId([id; 16]), service: "shop".into(), ..InstanceRow::default() }
    }

    fn function(path: &str) -> FunctionRow {
        FunctionRow { service: "shop".into(), path: path.into(), ..FunctionRow::default() }
    }

    #[test]
    fn the_newer_session_of_an_instance_wins() {
        let instances = Arc::<Instances>::default();
        let (old, none) = instances.connect(row(1));
        assert!(none.is_none());
        instances.add_functions(&old, vec![function("f")]);
        let (new, before) = instances.connect(row(1));
        assert!(before.is_some_and(|seat| seat.number == old.number));
        assert!(old.taken.is_cancelled() && !new.taken.is_cancelled());
        assert!(instances.leave(&old).is_none(), "the old session's end must not remove the new one");
        assert_eq!(instances.counts(), (1, 0));
        assert!(instances.leave(&new).is_some());
        assert_eq!(instances.counts(), (0, 0));
    }

    #[test]
    fn a_function_is_known_as_long_as_one_instance_has_it() {
        let instances = Arc::<Instances>::default();
        let ((a, _), (b, _)) = (instances.connect(row(1)), instances.connect(row(2)));
        let (new, refused) = instances.add_functions(&a, vec![function("g"), function("f")]);
        assert_eq!((new.len(), refused), (2, 0));
        let (new, _) = instances.add_functions(&b, vec![function("f")]);
        assert_eq!(new, []);
        let listed: Vec<_> = instances.functions().iter().map(|(f, n)| (f.path.clone(), *n)).collect();
        assert_eq!(listed, [("f".to_owned(), 2), ("g".to_owned(), 1)]);
        instances.leave(&a);
        let listed: Vec<_> = instances.functions().iter().map(|(f, n)| (f.path.clone(), *n)).collect();
        assert_eq!(listed, [("f".to_owned(), 1)]);
    }

    #[test]
    fn one_instance_cannot_announce_without_end() {
        let instances = Arc::<Instances>::default();
        let (seat, _) = instances.connect(row(1));
        let many = (0..MAX_FUNCTIONS + 7).map(|n| function(&n.to_string())).collect();
        let (new, refused) = instances.add_functions(&seat, many);
        assert_eq!((new.len(), refused), (MAX_FUNCTIONS, 7));
    }

    #[test]
    fn names_take_no_more_than_their_bytes() {
        const NAME_BYTES: usize = 1 << 20;
        let instances = Arc::<Instances>::default();
        let named = |n: usize| FunctionRow { file: "x".repeat(NAME_BYTES), ..function(&n.to_string()) };
        let most = MAX_FUNCTION_BYTES / NAME_BYTES - 1;
        let mut seats = Vec::new();
        for instance in 0..MAX_FUNCTION_BYTES_IN_ALL / MAX_FUNCTION_BYTES {
            let (seat, _) = instances.connect(row(instance as u8));
            let first = instance * most;
            let (new, refused) = instances.add_functions(&seat, (first..=first + most).map(named).collect());
            assert_eq!((new.len(), refused), (most, 1));
            seats.push(seat);
        }
        let (late, _) = instances.connect(row(99));
        let more: Vec<_> = (1_000..1_009).map(named).collect();
        let (new, refused) = instances.add_functions(&late, more.clone());
        assert_eq!(new.len() + refused, 9);
        assert!(refused > 0, "all of them together have a limit");
        assert_eq!(instances.add_functions(&late, vec![named(0)]).1, 0, "what is known takes no more");
        seats.clear();
        assert_eq!(instances.add_functions(&late, more).1, 0, "what went made room");
    }

    #[test]
    fn a_session_that_panics_gives_its_seat_back() {
        let instances = Arc::<Instances>::default();
        let (seat, _) = instances.connect(row(1));
        instances.add_functions(&seat, vec![function("f")]);
        let session = std::thread::spawn(move || {
            let _seat = seat;
            panic!("planted");
        });
        session.join().expect_err("it panicked");
        assert_eq!(instances.counts(), (0, 0));
    }
}
