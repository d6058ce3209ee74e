//! Waiting: for locks, for something unseen, for actors and runs to come, for the end.

use super::*;

#[test]
fn opposite_orders_of_two_locks_get_stuck() {
    let mut play = Play::new(&[&[Take(1), Take(2)], &[Take(2), Take(1)]]);
    play.start(&[0, 1], 0);
    assert!(play.play().is_none(), "nobody can go on");
    let trace = play.ticks(BLOCKED_AFTER).unwrap();
    assert_eq!(
        (trace.end, trace.pending),
        (End::Stuck, vec![(0, 2, 2), (1, 2, 1)])
    );
    play.control.release();
    assert_eq!(play.control.take_effects().len(), 2, "both are let go");
    for _ in 0..AT_REST_AFTER {
        let moves = play.control.moves();
        play.control.tick(true, moves);
    }
    assert_eq!(play.control.take_effects(), [Effect::Quiet]);
    assert_eq!(play.control.pace(), Pace::Idle);
}

#[test]
fn a_lock_held_by_a_stranger_is_waited_for() {
    let mut play = Play::new(&[&[Take(1)]]);
    play.world.borrow_mut().insert(1, 99);
    play.start(&[], 0);
    assert!(play.play().is_none());
    play.control.tick(false, 0);
    assert!(play.ticks(1).is_none());
    play.world.borrow_mut().remove(&1);
    assert_eq!(play.ticks(1).unwrap().end, End::Done);
}

#[test]
fn while_one_waits_unseen_the_others_go_on_and_it_may_come_back() {
    let mut play = Play::new(&[&[Touch(1), Hide, Touch(1)], &[Touch(1), Touch(1)]]);
    play.start(&[0], 0);
    assert!(play.play().is_none());
    assert!(
        play.ticks(BLOCKED_AFTER).is_none(),
        "1 runs to its end, 0 still waits"
    );
    play.unhide(0);
    let trace = play.play().unwrap();
    assert_eq!((trace.end, order(&trace)), (End::Done, vec![0, 1, 1, 0]));
}

#[test]
fn after_each_step_a_blocked_actor_has_a_moment_to_go_on() {
    let mut play = Play::new(&[&[Touch(1), Hide, Touch(1)], &[Touch(1), Touch(1), Touch(1)]]);
    play.start(&[0, 1, 0, 1, 1], 0);
    assert!(play.play().is_none());
    assert!(play.ticks(BLOCKED_AFTER).is_none());
    // The step that 1 took frees 0: before the next choice it is there.
    play.unhide(0);
    let trace = play.play().unwrap();
    assert_eq!((trace.end, order(&trace)), (End::Done, vec![0, 1, 0, 1, 1]));

    let mut play = Play::new(&[&[Touch(1), Hide], &[Touch(1), Touch(1), Touch(1)]]);
    play.start(&[0], 0);
    play.play();
    play.ticks(BLOCKED_AFTER);
    assert_eq!(play.at[1], 1, "one step, and then it is looked who goes on");
    play.ticks(ROUSED_AFTER);
    assert_eq!(play.at[1], 2, "0 does not: the next one");
}

#[test]
fn a_prefix_waits_for_an_actor_that_waits_unseen() {
    let mut play = Play::new(&[&[Touch(1), Hide, Touch(1)], &[Touch(1)]]);
    play.start(&[0, 0], 0);
    assert!(play.play().is_none());
    assert!(play.ticks(BLOCKED_AFTER + 5).is_none());
    play.unhide(0);
    let trace = play.play().unwrap();
    assert_eq!((trace.end, order(&trace)), (End::Done, vec![0, 0, 1]));
}

#[test]
fn who_never_comes_back_or_never_comes_hangs() {
    let mut play = Play::new(&[&[Touch(1), Hide], &[Touch(1)]]);
    play.start(&[], 0);
    play.play();
    let trace = play.ticks(BLOCKED_AFTER + HUNG_AFTER + 2).unwrap();
    assert_eq!((trace.end, order(&trace)), (End::Hung, vec![0, 1]));

    let mut play = Play::new(&[&[Touch(1)], &[Touch(1)]]);
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.advance(0);
    let trace = play.ticks(HUNG_AFTER).unwrap();
    assert_eq!((trace.end, trace.pending), (End::Hung, vec![(0, 1, 1)]));
}

#[test]
fn an_endless_retry_is_given_up() {
    let program = vec![Touch(1); MAX_STEPS + 1];
    let trace = run(&[&program], &[], 0);
    assert_eq!((trace.end, trace.steps.len()), (End::Hung, MAX_STEPS));
}

#[test]
fn actors_that_come_before_their_run_wait_for_it() {
    let mut play = Play::new(&[&[Touch(1)], &[]]);
    for actor in [0, 1] {
        play.control.arrive(1, actor);
        play.advance(actor);
    }
    assert!(play.control.take_effects().is_empty());
    play.control.announce(play.order(&[], 0));
    assert_eq!(play.play().unwrap().end, End::Done);
    let spot = Spot {
        actor: 0,
        point: 1,
        place: 1,
        lock: false,
        world: World::default(),
    };
    assert!(
        play.control.hold(1, 0, spot.clone()).is_err(),
        "its run is over"
    );
    assert!(play.control.hold(0, 0, spot).is_err(), "an old run");
}

#[test]
fn who_is_not_expected_is_let_go() {
    let mut play = Play::new(&[&[Touch(1)]]);
    let spot = Spot {
        actor: 5,
        point: 1,
        place: 1,
        lock: false,
        world: World::default(),
    };
    assert!(play.control.hold(1, 5, spot.clone()).is_ok());
    play.control.announce(play.order(&[], 0));
    assert_eq!(play.control.take_effects(), [Effect::Go(spot)]);
}

#[test]
fn an_answered_actor_lasts_as_long_as_what_it_started() {
    let mut play = Play::new(&[&[Touch(1)]]);
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.control.branch(1, 0);
    play.control.answer(1, 0);
    assert!(play.control.take_effects().is_empty());
    play.advance(0);
    assert!(play
        .control
        .take_effects()
        .iter()
        .any(|effect| matches!(effect, Effect::Go(_))));
    play.control.join(1, 0);
    assert!(matches!(
        &play.control.take_effects()[..],
        [Effect::Ended(Trace { end: End::Done, .. })]
    ));
}

#[test]
fn a_detached_branch_that_only_waits_does_not_hold_up_the_end() {
    let mut play = Play::new(&[&[]]);
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.control.branch(1, 0);
    play.control.answer(1, 0);
    assert_eq!(play.ticks(BLOCKED_AFTER).unwrap().end, End::Done);
}

#[test]
fn a_message_behind_another_waits_without_being_waited_for() {
    let mut play = Play::new(&[&[], &[]]);
    let spot = |actor| Spot {
        actor,
        point: 1,
        place: 1,
        lock: false,
        world: World::default(),
    };
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.control.arrive(1, 1);
    // The receiver works for 0 and is held there, on its behalf; then comes 1's message.
    play.control.branch(1, 0);
    play.control.answer(1, 0);
    assert!(play.control.hold(1, 0, spot(0)).is_ok());
    play.control.post(1, 1);
    play.control.answer(1, 1);
    assert_eq!(play.control.take_effects(), [Effect::Go(spot(0))]);
    // It asks for the next one: 1's, and is held on its behalf.
    play.control.deliver(1, 1);
    play.control.join(1, 0);
    assert!(play.control.take_effects().is_empty());
    assert!(play.control.hold(1, 1, spot(1)).is_ok());
    assert_eq!(play.control.take_effects(), [Effect::Go(spot(1))]);
    play.control.join(1, 1);
    assert!(matches!(
        &play.control.take_effects()[..],
        [Effect::Ended(Trace { end: End::Done, .. })]
    ));
}

#[test]
fn who_waits_for_an_answer_behind_another_message_is_blocked_soon() {
    let mut play = Play::new(&[&[Touch(1)], &[]]);
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.advance(0);
    play.control.arrive(1, 1);
    play.control.post(1, 1);
    assert!(play.ticks(QUEUED_AFTER).is_none());
    assert_eq!(play.at[0], 1, "the other one goes on");
}

#[test]
fn two_parts_of_one_actor_take_turns() {
    let mut play = Play::new(&[&[], &[]]);
    let spot = |point| Spot {
        actor: 0,
        point,
        place: 1,
        lock: false,
        world: World::default(),
    };
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.control.branch(1, 0);
    assert!(play.control.hold(1, 0, spot(1)).is_ok());
    assert!(play.control.hold(1, 0, spot(2)).is_ok());
    play.control.answer(1, 1);
    assert_eq!(play.control.take_effects(), [Effect::Go(spot(1))]);
    play.control.join(1, 0);
    assert_eq!(play.control.take_effects(), [Effect::Go(spot(2))]);
    play.control.answer(1, 0);
    assert!(matches!(
        play.control.take_effects()[..],
        [Effect::Ended(_)]
    ));
}

#[test]
fn release_without_anything_to_release_is_free_at_once() {
    let mut control = Control::<Spot>::new();
    control.release();
    assert_eq!(control.take_effects(), [Effect::Free]);
}

#[test]
fn release_in_the_middle_of_a_run_ends_it_first() {
    let mut play = Play::new(&[&[Touch(1), Hide], &[]]);
    play.start(&[], 0);
    play.play();
    play.control.release();
    assert!(matches!(
        play.control.take_effects()[..],
        [Effect::Ended(Trace { end: End::Hung, .. })]
    ));
    assert_eq!(play.control.pace(), Pace::Releasing);
    play.control.answer(1, 0);
    assert_eq!(play.control.take_effects(), [Effect::Free]);
}

#[test]
fn when_the_application_ends_everybody_goes_on_in_silence() {
    let mut play = Play::new(&[&[Touch(1), Touch(1)], &[Touch(1)]]);
    play.start(&[], 0);
    play.control.close();
    assert!(play
        .control
        .take_effects()
        .iter()
        .all(|effect| matches!(effect, Effect::Go(_))));
    assert_eq!(play.control.pace(), Pace::Idle);
}

#[test]
fn who_waits_to_be_woken_is_at_rest_at_once_and_awaited_once_it_was() {
    let mut play = Play::new(&[&[Touch(1), Hide, Touch(1)], &[Touch(1), Touch(1), Touch(1)]]);
    play.start(&[0, 1, 0, 1, 1], 0);
    play.control.sleep(1, 0);
    assert!(
        play.play().is_none(),
        "1 took its step, and no time has passed"
    );
    assert_eq!(play.at[1], 1);
    // The step that 1 takes wakes 0, who is a moment on its way: nobody is chosen before it is there.
    let mut play = Play::new(&[&[Touch(1), Hide, Touch(1)], &[Touch(1), Touch(1)]]);
    play.start(&[0, 1], 0);
    let Some(Effect::Go(_)) = play.control.take_effects().pop() else {
        panic!("0 goes first");
    };
    play.at[0] += 1;
    play.control.sleep(1, 0);
    let Some(Effect::Go(_)) = play.control.take_effects().pop() else {
        panic!("1 goes on beside 0, which waits");
    };
    play.at[1] += 1;
    play.control.wake(1, 0);
    play.advance(1);
    assert!(play.play().is_none(), "0 was woken and is awaited");
    assert_eq!(play.at[1], 1);
    play.unhide(0);
    let trace = play.play().unwrap();
    assert_eq!((trace.end, order(&trace)), (End::Done, vec![0, 1, 1, 0]));
}

#[test]
fn a_part_that_waits_is_not_the_whole() {
    let mut play = Play::new(&[&[Touch(1), Hide, Touch(1)], &[Touch(1)]]);
    play.start(&[0, 1], 0);
    play.control.branch(1, 0);
    play.control.sleep(1, 0);
    assert!(play.play().is_none());
    assert_eq!(play.at[1], 0, "another part of 0 is at work");
    play.control.sleep(1, 0);
    assert!(play.play().is_none());
    assert_eq!(play.at[1], 1, "now all of it waits");
}

#[test]
fn a_stream_that_waits_for_news_for_ever_ends_with_the_others() {
    let mut play = Play::new(&[&[Touch(1)], &[Touch(1)]]);
    play.control.branch(1, 0);
    play.start(&[0, 1], 0);
    // Actor 0 is answered, and the stream that it left behind waits.
    let trace = play.play();
    assert!(trace.is_none());
    play.control.sleep(1, 0);
    assert_eq!(play.play().unwrap().end, End::Done);
}

#[test]
fn nobody_who_was_not_answered_is_left_waiting() {
    let mut play = Play::new(&[&[Touch(1), Hide], &[Touch(1)]]);
    play.start(&[0], 0);
    play.play();
    play.control.sleep(1, 0);
    assert!(play.play().is_none(), "1 is done, and 0 has no answer");
    assert_eq!(play.ticks(2 * HUNG_AFTER).unwrap().end, End::Hung);
}
