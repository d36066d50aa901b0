//! The hierarchy of calls, from who called whom. Hostile data may hold an id twice, calls that are their own
//! ancestors, or chains of any length: nothing here recurses, and every call is visited once.

use std::collections::HashMap;
use std::num::NonZeroU64;

use glasshull_api::statement::Surroundings;

/// A call's place, as it was captured.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Link {
    /// Its place among the traces that were met.
    pub(super) trace: u32,
    pub(super) call: u64,
    /// An id of nothing but zeros is none.
    pub(super) parent: Option<NonZeroU64>,
    pub(super) started_at_ns: i64,
    pub(super) depth: u32,
    pub(super) position: u32,
    /// The place at which it was read.
    pub(super) row: u32,
}

impl Link {
    /// What names the call.
    pub(super) fn id(&self) -> (u32, u64) {
        (self.trace, self.call)
    }
}

/// A call that is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shown {
    /// Which: see [`Shape::link`].
    pub(super) at: u32,
    pub(super) level: u32,
    pub(super) matched: bool,
    pub(super) hidden_children: u32,
    /// What stands above it here is not what called it.
    pub(super) gap: Option<Gap>,
}

/// Why what called a call is not above it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gap {
    NotCaptured,
    LeftOut,
}

/// Calls in their hierarchy.
#[derive(Debug)]
pub(super) struct Shape {
    links: Vec<Link>,
    /// `None` for a root, for a call whose parent was not captured, and where a ring of calls was cut.
    parents: Vec<Option<u32>>,
    children: Children,
    /// Calls without a parent here, in order of start.
    tops: Vec<u32>,
    /// Every call behind its parent, siblings in order: depth first.
    order: Vec<u32>,
}

/// The children of all calls, in order of start: those of one behind those of another.
#[derive(Debug)]
struct Children {
    all: Vec<u32>,
    /// Where those of each call begin; one more than there are calls.
    begins: Vec<u32>,
}

impl Children {
    fn new(parents: &[Option<u32>]) -> Self {
        let mut begins = vec![0_u32; parents.len() + 1];
        for &parent in parents.iter().flatten() {
            begins[parent as usize + 1] += 1;
        }
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        let mut next = begins.clone();
        let mut all = vec![0; begins.last().map_or(0, |count| *count as usize)];
        for (at, parent) in (0_u32..).zip(parents) {
            if let Some(parent) = parent {
                let place = &mut next[*parent as usize];
                all[*place as usize] = at;
                *place += 1;
            }
        }
        Self { all, begins }
    }

    fn of(&self, at: usize) -> &[u32] {
        &self.all[self.begins[at] as usize..self.begins[at + 1] as usize]
    }
}

impl Shape {
    /// Of less than 2^32 calls.
    pub(super) fn new(mut links: Vec<Link>) -> Self {
        links.sort_unstable_by_key(|link| {
            (link.started_at_ns, link.depth, link.position, link.trace, link.call, link.row)
        });
        let mut parents = parents(&links);
        cut_rings(&mut parents);
        let children = Children::new(&parents);
        let tops: Vec<u32> = (0_u32..).zip(&parents).filter(|(_, parent)| parent.is_none()).map(|(at, _)| at).collect();
        let order = depth_first(&tops, &children);
        Self { links, parents, children, tops, order }
    }

    /// One of the calls.
    pub(super) fn link(&self, at: u32) -> &Link {
        &self.links[at as usize]
    }

    /// The calls that are meant, with their surroundings, depth first; and how many more there are than `most`.
    pub(super) fn shown(
        &self,
        meant: impl Fn(Meant<'_>) -> bool,
        around: Surroundings,
        most: usize,
    ) -> (Vec<Shown>, usize) {
        let matched: Vec<bool> = (0..self.links.len()).map(|at| meant(self.meant(at))).collect();
        let mut shown = self.with_surroundings(&matched, around);
        let cut = self.cut(&mut shown, &matched, most);
        (self.laid_out(&shown, &matched), cut)
    }

    fn meant(&self, at: usize) -> Meant<'_> {
        Meant { link: &self.links[at], is_top: self.parents[at].is_none() }
    }

    fn with_surroundings(&self, matched: &[bool], around: Surroundings) -> Vec<bool> {
        let mut shown = matched.to_vec();
        self.mark_ancestors(matched, around.ancestors.levels(), &mut shown);
        self.mark_descendants(matched, around.descendants.levels(), &mut shown);
        if around.siblings {
            self.mark_siblings(matched, &mut shown);
        }
        shown
    }

    /// Hands the number of levels up from each call to its parent, the deepest first.
    fn mark_ancestors(&self, matched: &[bool], levels: u32, shown: &mut [bool]) {
        let mut left: Vec<u32> = matched.iter().map(|matched| if *matched { levels } else { 0 }).collect();
        for at in self.in_order().rev() {
            if let Some(parent) = self.parent(at).filter(|_| left[at] > 0) {
                shown[parent] = true;
                left[parent] = left[parent].max(left[at] - 1);
            }
        }
    }

    /// Hands the number of levels down from each call to its children, the topmost first.
    fn mark_descendants(&self, matched: &[bool], levels: u32, shown: &mut [bool]) {
        let mut left: Vec<u32> = matched.iter().map(|matched| if *matched { levels } else { 0 }).collect();
        for at in self.in_order() {
            if let Some(parent) = self.parent(at).filter(|parent| left[*parent] > 0) {
                shown[at] = true;
                left[at] = left[at].max(left[parent] - 1);
            }
        }
    }

    fn mark_siblings(&self, matched: &[bool], shown: &mut [bool]) {
        let mut mark = |siblings: &[u32]| {
            if siblings.iter().any(|at| matched[*at as usize]) {
                siblings.iter().for_each(|at| shown[*at as usize] = true);
            }
        };
        (0..self.links.len()).for_each(|at| mark(self.children.of(at)));
        // Calls of a parent that was not captured.
        let mut orphans: HashMap<(u32, NonZeroU64), Vec<u32>> = HashMap::new();
        for &at in &self.tops {
            let link = &self.links[at as usize];
            if let Some(parent) = link.parent {
                orphans.entry((link.trace, parent)).or_default().push(at);
            }
        }
        orphans.values().for_each(|siblings| mark(siblings));
    }

    /// Leaves the deepest out beyond so many, those that are not meant first; how many.
    fn cut(&self, shown: &mut [bool], matched: &[bool], most: usize) -> usize {
        let mut kept: Vec<usize> = (0..shown.len()).filter(|at| shown[*at]).collect();
        if kept.len() <= most {
            return 0;
        }
        let mut depths = vec![0_u32; self.links.len()];
        for at in self.in_order() {
            depths[at] = self.parent(at).map_or(0, |parent| depths[parent] + 1);
        }
        kept.sort_by_key(|at| (depths[*at], !matched[*at], *at));
        let cut = kept.split_off(most);
        cut.iter().for_each(|at| shown[*at] = false);
        cut.len()
    }

    /// The shown calls, each with its level below the topmost shown call above it.
    fn laid_out(&self, shown: &[bool], matched: &[bool]) -> Vec<Shown> {
        // The level a call's children would have.
        let mut below = vec![0_u32; self.links.len()];
        let mut calls = Vec::new();
        for at in self.in_order() {
            let level = self.parent(at).map_or(0, |parent| below[parent]);
            below[at] = level + u32::from(shown[at]);
            if shown[at] {
                let hidden = self.children.of(at).iter().filter(|child| !shown[**child as usize]).count();
                let hidden_children = u32::try_from(hidden).unwrap_or(u32::MAX);
                let place = u32::try_from(at).unwrap_or(u32::MAX);
                calls.push(Shown { at: place, level, matched: matched[at], hidden_children, gap: self.gap(at, shown) });
            }
        }
        calls
    }

    fn gap(&self, at: usize, shown: &[bool]) -> Option<Gap> {
        match self.parent(at) {
            Some(parent) if shown[parent] => None,
            Some(_) => Some(Gap::LeftOut),
            None => self.links[at].parent.map(|_| Gap::NotCaptured),
        }
    }

    fn parent(&self, at: usize) -> Option<usize> {
        self.parents[at].map(|parent| parent as usize)
    }

    fn in_order(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.order.iter().map(|at| *at as usize)
    }
}

/// A call that may be meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meant<'a> {
    pub(super) link: &'a Link,
    /// It has no parent among the captured calls.
    pub(super) is_top: bool,
}

/// Each call's parent, where it was captured. Of calls with the same id the first counts.
fn parents(links: &[Link]) -> Vec<Option<u32>> {
    // Sorted rather than hashed: a quarter of the memory.
    let mut by_id: Vec<(u32, u64, u32)> = (0_u32..).zip(links).map(|(at, link)| (link.trace, link.call, at)).collect();
    by_id.sort_unstable();
    let find = |link: &Link| {
        let id = (link.trace, link.parent?.get());
        let at = by_id.partition_point(|&(trace, call, _)| (trace, call) < id);
        by_id.get(at).filter(|&&(trace, call, _)| (trace, call) == id).map(|&(_, _, at)| at)
    };
    links.iter().map(find).collect()
}

/// Where calls are their own ancestors, the first that is met loses its parent.
fn cut_rings(parents: &mut [Option<u32>]) {
    const UNSEEN: usize = usize::MAX;
    let mut seen_from = vec![UNSEEN; parents.len()];
    for start in 0..parents.len() {
        let mut at = start;
        while seen_from[at] == UNSEEN {
            seen_from[at] = start;
            match parents[at].map(|parent| parent as usize) {
                Some(parent) if seen_from[parent] == start => parents[at] = None,
                Some(parent) => at = parent,
                None => {}
            }
        }
    }
}

fn depth_first(tops: &[u32], children: &Children) -> Vec<u32> {
    let mut order = Vec::with_capacity(children.begins.len());
    let mut stack: Vec<u32> = tops.iter().rev().copied().collect();
    while let Some(at) = stack.pop() {
        order.push(at);
        stack.extend(children.of(at as usize).iter().rev());
    }
    order
}
