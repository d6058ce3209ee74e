//! Policies against the vectors that all implementations share.

use super::*;
use crate::policy::Policy;

/// A step of the vectors: `r`, `w` or `l`, and a resource.
fn steps(actor: &str) -> Vec<(char, usize)> {
    let mut found = vec![];
    let mut letters = actor.chars();
    while let (Some(kind), Some(resource)) = (letters.next(), letters.next()) {
        found.push((kind, resource.to_digit(10).unwrap() as usize));
    }
    found
}

fn numbered(actor: u8, at: usize) -> u32 {
    u32::from(actor) * 100 + at as u32 + 1
}

fn chosen(policy: &str, program: &str) -> String {
    let actors: Vec<_> = program.split('|').map(steps).collect();
    let acts: Vec<Vec<Act>> = actors
        .iter()
        .map(|steps| {
            let act = |&(kind, resource)| match kind {
                'l' => Take(resource + 1),
                _ => Touch(resource + 1),
            };
            steps.iter().map(act).collect()
        })
        .collect();
    let slices: Vec<&[Act]> = acts.iter().map(Vec::as_slice).collect();
    let mut play = Play::new(&slices);
    play.point = numbered;
    let mut table = vec![];
    for (actor, steps) in (0_u8..).zip(&actors) {
        for (at, &(kind, resource)) in steps.iter().enumerate() {
            table.push((numbered(actor, at), resource as u32 + 1, kind != 'r'));
        }
    }
    play.control.points(table);
    let mut order = play.order(&[], 0);
    order.policy = Some(Policy::read(policy).unwrap());
    play.begin(order);
    // A deadlock of the program is found out by time.
    let trace = play.play().or_else(|| play.ticks(10)).expect("it ends");
    super::order(&trace).iter().map(u8::to_string).collect()
}

#[test]
fn the_shared_vectors() {
    let mut count = 0;
    for line in include_str!("policies.txt").lines() {
        if line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split(' ').collect();
        assert_eq!(chosen(fields[0], fields[1]), fields[2], "{line}");
        count += 1;
    }
    assert!(count > 50);
}

#[test]
fn a_policy_begins_where_the_prefix_ends_and_wakes_nobody() {
    let program: &[&[Act]] = &[&[Touch(1), Touch(1)], &[Touch(1), Touch(1)], &[Touch(2)]];
    for seed in 0..50 {
        let mut play = Play::new(program);
        let mut order = play.order(&[1], bit(0));
        order.policy = Some(Policy::Walk { seed });
        play.begin(order);
        let trace = play.play().expect("it ends by itself");
        let order = super::order(&trace);
        assert_eq!(order[0], 1);
        assert_ne!(order[1], 0, "asleep until actor 1 touches the place again");
        assert_eq!(trace.end, End::Done);
    }
}
