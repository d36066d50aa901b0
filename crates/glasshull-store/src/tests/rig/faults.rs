//! What goes wrong in a rig: as a test tells it, or by chance and a seed; and the power, which goes at any step.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use glasshull_catalog::CatalogError;

/// What becomes of the next step of its kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Succeeds,
    /// Nothing of it has happened.
    Fails,
    /// It has happened, but the answer is an error.
    LosesItsAnswer,
}

impl Fate {
    /// Carries out a step of the catalog.
    pub(crate) async fn befalls<T>(
        self,
        step: impl Future<Output = glasshull_catalog::Result<T>>,
    ) -> glasshull_catalog::Result<T> {
        let failure = || CatalogError::Unavailable("the database is locked".into());
        match self {
            Fate::Succeeds => step.await,
            Fate::Fails => Err(failure()),
            Fate::LosesItsAnswer => {
                step.await?;
                Err(failure())
            }
        }
    }
}

/// What looks like chance, and is the same each time for a seed. (SplitMix64.)
#[derive(Clone, Debug, Default)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Once in so many times.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// The machine's power: what has a step of its own asks it first.
#[derive(Debug, Default)]
pub(crate) struct Power(Mutex<PowerState>);

#[derive(Debug, Default)]
struct PowerState {
    is_off: bool,
    /// It goes with this step, and whether that one still happens.
    goes: Option<(u64, bool)>,
}

impl Power {
    /// After so many steps it is gone; the last of them has happened or not, but nobody hears of it.
    pub(crate) fn goes_after(&self, steps: u64, the_last_happens: bool) {
        self.0.lock().unwrap().goes = Some((steps, the_last_happens));
    }

    pub(crate) fn is_off(&self) -> bool {
        self.0.lock().unwrap().is_off
    }

    pub(crate) fn comes_back(&self) {
        *self.0.lock().unwrap() = PowerState::default();
    }

    /// One step: its fate, where the power has a say in it.
    fn step(&self) -> Option<Fate> {
        let mut state = self.0.lock().unwrap();
        if state.is_off {
            return Some(Fate::Fails);
        }
        let (left, the_last_happens) = state.goes?;
        if left > 1 {
            state.goes = Some((left - 1, the_last_happens));
            return None;
        }
        state.is_off = true;
        Some(if the_last_happens { Fate::LosesItsAnswer } else { Fate::Fails })
    }
}

/// The fates of the steps to come; those without one succeed, or are left to chance.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    told: Mutex<VecDeque<Fate>>,
    chance: Mutex<Option<(Chance, u64)>>,
    power: Arc<Power>,
}

impl Fates {
    pub(crate) fn under(power: &Arc<Power>) -> Self {
        Self { power: power.clone(), ..Self::default() }
    }

    pub(crate) fn set(&self, fates: impl IntoIterator<Item = Fate>) {
        *self.told.lock().unwrap() = fates.into_iter().collect();
    }

    /// Leaves the steps to chance: one in so many goes wrong; `None`: none does.
    pub(crate) fn leave_to_chance(&self, seed: u64, one_in: Option<u64>) {
        *self.chance.lock().unwrap() = one_in.map(|one_in| (Chance::of(seed), one_in));
    }

    pub(crate) fn next(&self) -> Fate {
        if let Some(fate) = self.power.step().or_else(|| self.told.lock().unwrap().pop_front()) {
            return fate;
        }
        let mut chance = self.chance.lock().unwrap();
        let Some((chance, one_in)) = &mut *chance else { return Fate::Succeeds };
        if chance.one_in(*one_in) { chance.one_of(&[Fate::Fails, Fate::LosesItsAnswer]) } else { Fate::Succeeds }
    }
}
