//! What holds for every set of calls, however hostile.

use std::collections::HashSet;
use std::num::NonZeroU64;

use glasshull_api::statement::{Hops, Surroundings};
use proptest::collection::vec;
use proptest::prelude::*;

use super::shape::{Gap, Link, Shape};

/// Calls whose ids and parents are drawn from few, so that rings, repetitions and orphans are common.
fn links() -> impl Strategy<Value = Vec<Link>> {
    let link = (0..2_u8, 1..12_u8, proptest::option::of(0..14_u8), 0..20_i64).prop_map(
        |(trace, call, parent, started_at_ns)| Link {
            trace: trace.into(),
            call: call.into(),
            parent: parent.and_then(|parent| NonZeroU64::new(parent.into())),
            started_at_ns,
            ..Link::default()
        },
    );
    vec(link, 0..40)
}

fn around() -> impl Strategy<Value = Surroundings> {
    let hops = || prop_oneof![Just(Hops::None), (1..4_u32).prop_map(Hops::UpTo), Just(Hops::All)];
    (hops(), hops(), any::<bool>()).prop_map(|(ancestors, descendants, siblings)| Surroundings {
        ancestors,
        descendants,
        siblings,
    })
}

proptest! {
    #[test]
    fn every_call_is_shown_once_behind_its_parent(links in links()) {
        let count = links.len();
        let shape = Shape::new(links);
        let (shown, cut) = shape.shown(|_| true, Surroundings::default(), usize::MAX);
        prop_assert_eq!((shown.len(), cut), (count, 0));
        let places: HashSet<u32> = shown.iter().map(|shown| shown.at).collect();
        prop_assert_eq!(places.len(), count);
        let mut level = 0;
        for shown in &shown {
            prop_assert!(shown.level <= level, "a level is left out");
            prop_assert_eq!(shown.hidden_children, 0);
            prop_assert_ne!(shown.gap, Some(Gap::LeftOut));
            level = shown.level + 1;
        }
    }

    #[test]
    fn what_is_meant_is_shown_whatever_is_around_it(
        links in links(), around in around(), meant in vec(any::<bool>(), 40), most in 1..50_usize,
    ) {
        let shape = Shape::new(links);
        let is_meant = |link: &Link| meant[link.call as usize];
        let (all, _) = shape.shown(|call| is_meant(call.link), around, usize::MAX);
        prop_assert!(all.iter().all(|shown| shown.matched == is_meant(shape.link(shown.at))));
        let (some, cut) = shape.shown(|call| is_meant(call.link), around, most);
        prop_assert_eq!(some.len() + cut, all.len());
        prop_assert!(some.len() <= most);
        let all: HashSet<u32> = all.iter().map(|shown| shown.at).collect();
        prop_assert!(some.iter().all(|shown| all.contains(&shown.at)));
    }
}

#[test]
fn a_chain_of_any_length_is_no_matter() {
    let link = |id: u64| Link {
        trace: 1,
        call: id,
        parent: id.checked_sub(1).and_then(NonZeroU64::new),
        started_at_ns: id as i64,
        ..Link::default()
    };
    let shape = Shape::new((1..=200_000).map(link).collect());
    let around = Surroundings { ancestors: Hops::All, descendants: Hops::All, siblings: true };
    let (shown, _) = shape.shown(|call| call.link.call == 100_000, around, usize::MAX);
    assert_eq!(shown.len(), 200_000);
    assert_eq!(shown[199_999].level, 199_999);
}
