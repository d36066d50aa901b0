//! The hierarchy of calls, from who called whom. Hostile data may hold an id twice, calls that are their own
//! ancestors, or chains of any length: nothing here recurses, and every call is visited once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use glasshull_api::statement::Surroundings;

/// A call's place, as it was captured.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Link {
    pub(super) trace: Box<str>,
    pub(super) call: Box<str>,
    pub(super) parent: Option<Box<str>>,
    pub(super) started_at_ns: i64,
    pub(super) depth: u32,
    pub(super) position: u32,
}

impl Link {
    /// What names the call.
    pub(super) fn id(&self) -> (&str, &str) {
        (&self.trace, &self.call)
    }
}

/// A call that is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shown {
    /// Which: see [`Shape::link`].
    pub(super) at: usize,
    pub(super) level: u32,
    pub(super) matched: bool,
    pub(super) hidden_children: u32,
}

/// Calls in their hierarchy.
#[derive(Debug)]
pub(super) struct Shape {
    links: Vec<Link>,
    /// `None` for a root, for a call whose parent was not captured, and where a ring of calls was cut.
    parents: Vec<Option<usize>>,
    /// In order of start.
    children: Vec<Vec<usize>>,
    /// Calls without a parent here, in order of start.
    tops: Vec<usize>,
    /// Every call behind its parent, siblings in order: depth first.
    order: Vec<usize>,
}

impl Shape {
    pub(super) fn new(mut links: Vec<Link>) -> Self {
        links.sort_by(|a, b| {
            (a.started_at_ns, a.depth, a.position, &a.trace, &a.call).cmp(&(
                b.started_at_ns,
                b.depth,
                b.position,
                &b.trace,
                &b.call,
            ))
        });
        let mut parents = parents(&links);
        cut_rings(&mut parents);
        let mut children = vec![Vec::new(); links.len()];
        let mut tops = Vec::new();
        for (at, parent) in parents.iter().enumerate() {
            match parent {
                Some(parent) => children[*parent].push(at),
                None => tops.push(at),
            }
        }
        let order = depth_first(&tops, &children);
        Self { links, parents, children, tops, order }
    }

    /// One of the calls.
    pub(super) fn link(&self, at: usize) -> &Link {
        &self.links[at]
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
        for &at in self.order.iter().rev() {
            if let Some(parent) = self.parents[at].filter(|_| left[at] > 0) {
                shown[parent] = true;
                left[parent] = left[parent].max(left[at] - 1);
            }
        }
    }

    /// Hands the number of levels down from each call to its children, the topmost first.
    fn mark_descendants(&self, matched: &[bool], levels: u32, shown: &mut [bool]) {
        let mut left: Vec<u32> = matched.iter().map(|matched| if *matched { levels } else { 0 }).collect();
        for &at in &self.order {
            if let Some(parent) = self.parents[at].filter(|parent| left[*parent] > 0) {
                shown[at] = true;
                left[at] = left[at].max(left[parent] - 1);
            }
        }
    }

    fn mark_siblings(&self, matched: &[bool], shown: &mut [bool]) {
        for children in &self.children {
            if children.iter().any(|at| matched[*at]) {
                children.iter().for_each(|at| shown[*at] = true);
            }
        }
        // Calls of a parent that was not captured.
        let mut orphans: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for &at in &self.tops {
            if let Some(parent) = &self.links[at].parent {
                orphans.entry((&self.links[at].trace, parent)).or_default().push(at);
            }
        }
        for siblings in orphans.values().filter(|siblings| siblings.iter().any(|at| matched[*at])) {
            siblings.iter().for_each(|at| shown[*at] = true);
        }
    }

    /// Leaves the deepest out beyond so many, those that are not meant first; how many.
    fn cut(&self, shown: &mut [bool], matched: &[bool], most: usize) -> usize {
        let mut kept: Vec<usize> = (0..shown.len()).filter(|at| shown[*at]).collect();
        if kept.len() <= most {
            return 0;
        }
        let mut depths = vec![0_u32; self.links.len()];
        for &at in &self.order {
            depths[at] = self.parents[at].map_or(0, |parent| depths[parent] + 1);
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
        for &at in &self.order {
            let level = self.parents[at].map_or(0, |parent| below[parent]);
            below[at] = level + u32::from(shown[at]);
            if shown[at] {
                let hidden = self.children[at].iter().filter(|child| !shown[**child]).count();
                let hidden_children = u32::try_from(hidden).unwrap_or(u32::MAX);
                calls.push(Shown { at, level, matched: matched[at], hidden_children });
            }
        }
        calls
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
fn parents(links: &[Link]) -> Vec<Option<usize>> {
    let mut by_id: HashMap<(&str, &str), usize> = HashMap::with_capacity(links.len());
    for (at, link) in links.iter().enumerate() {
        if let Entry::Vacant(entry) = by_id.entry(link.id()) {
            entry.insert(at);
        }
    }
    let parent = |link: &Link| by_id.get(&(&*link.trace, link.parent.as_deref()?)).copied();
    links.iter().map(parent).collect()
}

/// Where calls are their own ancestors, the first that is met loses its parent.
fn cut_rings(parents: &mut [Option<usize>]) {
    const UNSEEN: usize = usize::MAX;
    let mut seen_from = vec![UNSEEN; parents.len()];
    for start in 0..parents.len() {
        let mut at = start;
        while seen_from[at] == UNSEEN {
            seen_from[at] = start;
            match parents[at] {
                Some(parent) if seen_from[parent] == start => parents[at] = None,
                Some(parent) => at = parent,
                None => {}
            }
        }
    }
}

fn depth_first(tops: &[usize], children: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(children.len());
    let mut stack: Vec<usize> = tops.iter().rev().copied().collect();
    while let Some(at) = stack.pop() {
        order.push(at);
        stack.extend(children[at].iter().rev());
    }
    order
}
