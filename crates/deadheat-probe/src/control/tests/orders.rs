//! Which orders there are, and which are left out.

use super::*;

#[test]
fn two_of_two_steps_have_six_orders_and_three_have_ninety() {
    let two: &[Act] = &[Touch(1), Touch(1)];
    assert_eq!(all_orders(&[two, two]).len(), 6);
    assert_eq!(all_orders(&[two, two, two]).len(), 90);
}

#[test]
fn a_lock_held_over_two_steps_leaves_two_orders() {
    let locked: &[Act] = &[Take(1), Touch(2)];
    let orders = all_orders(&[locked, locked]);
    assert_eq!(orders, BTreeSet::from([vec![0, 0, 1, 1], vec![1, 1, 0, 0]]));
}

#[test]
fn whoever_went_last_goes_on_after_the_prefix() {
    let two: &[Act] = &[Touch(1), Touch(1)];
    assert_eq!(order(&run(&[two, two], &[1], 0)), [1, 1, 0, 0]);
    assert_eq!(order(&run(&[two, two], &[0, 1], 0)), [0, 1, 1, 0]);
}

#[test]
fn values_before_and_after_are_those_around_the_step() {
    let trace = run(&[&[Take(1), Touch(2)]], &[], 0);
    assert_eq!(
        (
            trace.steps[0].before.as_str(),
            trace.steps[0].after.as_str()
        ),
        ("", "0")
    );
    assert_eq!(trace.steps[0].enabled, 1);
}

#[test]
fn an_actor_without_points_only_has_to_end() {
    assert_eq!(order(&run(&[&[], &[Touch(1)]], &[], 0)), [1]);
    assert_eq!(run(&[&[]], &[], 0).end, End::Done);
}

#[test]
fn a_prefix_that_cannot_be_followed_diverges() {
    let two: &[Act] = &[Touch(1), Touch(1)];
    let trace = run(&[two, two], &[0, 0, 0], 0);
    assert_eq!(
        (trace.end, order(&trace)),
        (End::Diverged, vec![0, 0, 1, 1])
    );
    assert_eq!(run(&[two], &[0, 0, 0], 0).end, End::Diverged);
    assert_eq!(run(&[two, two], &[7], 0).end, End::Diverged);
    let locked: &[Act] = &[Take(1), Touch(2)];
    assert_eq!(run(&[locked, locked], &[0, 1], 0).end, End::Diverged);
}

#[test]
fn a_sleeping_actor_waits_for_a_dependent_step() {
    let (one, other): (&[Act], &[Act]) = (&[Touch(1)], &[Touch(2)]);
    // 0 sleeps, and 1 does nothing that concerns it: redundant.
    let trace = run(&[one, other], &[], 0b01);
    assert_eq!((trace.end, order(&trace)), (End::Redundant, vec![1, 0]));
    // Both on one place: the step of 1 wakes 0.
    let trace = run(&[one, one], &[], 0b01);
    assert_eq!((trace.end, order(&trace)), (End::Done, vec![1, 0]));
    // Everybody sleeps from the beginning.
    let trace = run(&[one, one], &[], 0b11);
    assert_eq!((trace.end, order(&trace)), (End::Redundant, vec![0, 1]));
}

#[test]
fn the_last_step_of_the_prefix_wakes_nobody_and_reads_commute() {
    let one: &[Act] = &[Touch(1)];
    // The controller took the prefix's steps into account already.
    assert_eq!(
        run(&[one, one, &[Touch(9)]], &[0], 0b110).end,
        End::Redundant
    );
    let mut play = Play::new(&[one, one]);
    play.control.points(vec![(1, 5, false)]);
    play.start(&[], 0b01);
    assert_eq!(play.play().unwrap().end, End::Redundant);
}

#[test]
fn an_unknown_place_goes_by_its_resource() {
    let wakes = |table: Vec<(u32, u32, bool)>| {
        let mut play = Play::new(&[&[Touch(0)], &[TakeAndGive(9), Touch(0)]]);
        play.control.points(table);
        play.start(&[], 0b01);
        // The first step of 1 has point 1 too; its second has point 2.
        play.play().unwrap().end == End::Done
    };
    assert!(wakes(vec![]), "0 conflicts with everything");
    assert!(wakes(vec![(1, 3, true), (2, 3, true)]));
    assert!(wakes(vec![(1, 3, true), (2, 0, true)]));
    let mut play = Play::new(&[&[Touch(0)], &[Hide, Touch(0)]]);
    play.control.points(vec![(1, 3, true), (2, 4, true)]);
    play.start(&[], 0b01);
    play.unhide(1);
    assert_eq!(
        play.play().unwrap().end,
        End::Redundant,
        "different resources"
    );
}
