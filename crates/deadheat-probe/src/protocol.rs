//! The lines on the socket: one message a line, fields separated by one space.
//!
//! A list is joined by `,`, a record by `:`, and an empty list is `-`. Values are percent-encoded, so
//! that none of these characters can occur in one.

use std::fmt::{Display, Write};
use std::time::Duration;

use crate::policy::Policy;

/// What the controller asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// The table of points: (point, resource, does it write); resource 0 is unknown.
    Points(Vec<(u32, u32, bool)>),
    /// Execute one schedule.
    Run(Order),
    /// Let everybody held go on freely.
    Release,
    /// Remember the present values as the ones to restore.
    Mark,
    /// Put the remembered values back.
    Restore,
    /// The same, ahead of a run: answered only when it fails.
    Again,
    /// Tell all values.
    State,
    /// What the racers of the laps to come send.
    Script(Script),
    /// The same as a run, with the requests sent from here.
    Lap(Order),
}

/// What is sent in each lap, in bytes as they go over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The port of this application.
    pub port: u16,
    /// How long an answer is waited for.
    pub patience: Duration,
    /// Before and behind the name of the racer.
    pub racers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The requests that look at the state afterwards.
    pub after: Vec<Vec<u8>>,
}

/// The order to try: a prefix of actors, then anyone but those asleep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The number of this run; increasing.
    pub run: u64,
    /// How many actors take part.
    pub actors: usize,
    /// The actors in step order.
    pub prefix: Vec<u8>,
    /// Bit mask of the actors asleep at the end of the prefix.
    pub asleep: u16,
    /// Who chooses after it; whoever went last goes on where nobody does.
    pub policy: Option<Policy>,
}

/// Most actors of one run: their sets are bit masks.
pub const MAX_ACTORS: usize = 16;

/// Reads one line.
///
/// # Errors
/// In words, when it is no message of this protocol.
pub fn read(line: &str) -> Result<Command, String> {
    let mut fields = line.trim_end().split(' ');
    let verb = fields.next().unwrap_or_default();
    let mut field = || fields.next().ok_or_else(|| format!("{verb} lacks a field"));
    match verb {
        "POINTS" => items(field()?)
            .map(point)
            .collect::<Result<_, _>>()
            .map(Command::Points),
        "RUN" => order(fields).map(Command::Run),
        "LAP" => order(fields).map(Command::Lap),
        "SCRIPT" => Ok(Command::Script(Script {
            port: number(field()?)?,
            patience: Duration::from_millis(number(field()?)?),
            racers: items(field()?)
                .map(|record| match record.split_once(':') {
                    Some((before, behind)) => Ok((bytes(before)?, bytes(behind)?)),
                    None => Err(format!("not a racer: {record}")),
                })
                .collect::<Result<_, _>>()?,
            after: items(field()?).map(bytes).collect::<Result<_, _>>()?,
        })),
        "RELEASE" => Ok(Command::Release),
        "MARK" => Ok(Command::Mark),
        "RESTORE" => Ok(Command::Restore),
        "AGAIN" => Ok(Command::Again),
        "STATE" => Ok(Command::State),
        _ => Err(format!("unknown message {verb}")),
    }
}

fn order<'a>(mut fields: impl Iterator<Item = &'a str>) -> Result<Order, String> {
    let mut field = || fields.next().ok_or("an order lacks a field");
    let order = Order {
        run: number(field()?)?,
        actors: number(field()?)?,
        prefix: items(field()?).map(number).collect::<Result<_, _>>()?,
        asleep: items(field()?)
            .try_fold(0, |mask, item| Ok::<_, String>(mask | bit(number(item)?)))?,
        policy: fields.next().map(Policy::read).transpose()?,
    };
    if order.actors > MAX_ACTORS {
        return Err(format!("{} actors, at most {MAX_ACTORS}", order.actors));
    }
    Ok(order)
}

/// The set of one actor; the empty set for one that cannot take part.
pub fn bit(actor: u8) -> u16 {
    1_u16.checked_shl(u32::from(actor)).unwrap_or(0)
}

/// Reads `<run>.<actor>`, the value of the header that a racer carries.
pub fn racer(header: &str) -> Option<(u64, u8)> {
    let (run, actor) = header.split_once('.')?;
    let actor: u8 = actor.parse().ok()?;
    (usize::from(actor) < MAX_ACTORS).then_some((run.parse().ok()?, actor))
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter(|item| !matches!(*item, "" | "-"))
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

fn point(record: &str) -> Result<(u32, u32, bool), String> {
    let mut parts = record.split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(id), Some(resource), Some(access)) => {
            Ok((number(id)?, number(resource)?, access != "r"))
        }
        _ => Err(format!("not a point: {record}")),
    }
}

/// Bytes in hexadecimal.
fn bytes(digits: &str) -> Result<Vec<u8>, String> {
    let pairs = (0..digits.len()).step_by(2);
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let read: Option<Vec<u8>> = pairs.map(byte).collect();
    read.ok_or_else(|| format!("not bytes: {digits}"))
}

/// Percent-encodes everything except letters, digits and `_.-`.
pub fn encode(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Joins the items of a list.
pub fn list<I: Display>(items: impl Iterator<Item = I>) -> String {
    let mut out = String::new();
    for item in items {
        let separator = if out.is_empty() { "" } else { "," };
        let _ = write!(out, "{separator}{item}");
    }
    if out.is_empty() {
        out.push('-');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read() {
        let order = Order {
            run: 7,
            actors: 2,
            prefix: vec![0, 1, 1],
            asleep: 0b10,
            policy: None,
        };
        let mut sampled = order.clone();
        sampled.policy = Some(Policy::Walk { seed: 5 });
        assert_eq!(read("RUN 7 2 0,1,1 1\n"), Ok(Command::Run(order)));
        assert_eq!(read("RUN 7 2 0,1,1 1 walk:5\n"), Ok(Command::Run(sampled)));
        assert!(read("RUN 7 2 0,1,1 1 jump:5\n").is_err());
        let first = Order {
            run: 1,
            actors: 1,
            ..Order::default()
        };
        assert_eq!(read("RUN 1 1 - -"), Ok(Command::Run(first)));
        assert!(read("RUN 1 17 - -").is_err());
        assert!(read("RUN 1").is_err());
        assert!(read("JUMP").is_err());
    }

    #[test]
    fn a_lap_and_its_script_are_read() {
        let script = Script {
            port: 8000,
            patience: Duration::from_secs(10),
            racers: vec![(b"GET /".to_vec(), b"\r\n".to_vec()), (vec![], vec![0])],
            after: vec![b"\xff".to_vec()],
        };
        let line = "SCRIPT 8000 10000 474554202f:0d0a,:00 ff";
        assert_eq!(read(line), Ok(Command::Script(script)));
        for odd in [
            "SCRIPT 8000 1 47 -",
            "SCRIPT 8000 1 4:47 -",
            "SCRIPT 8000 1 - x",
        ] {
            assert!(read(odd).is_err(), "{odd}");
        }
        let Ok(Command::Run(order)) = read("RUN 7 2 0,1,1 1 walk:5") else {
            panic!("a run is read");
        };
        assert_eq!(read("LAP 7 2 0,1,1 1 walk:5"), Ok(Command::Lap(order)));
        assert!(read("LAP 7 17 - -").is_err());
    }

    #[test]
    fn points_are_read() {
        assert_eq!(
            read("POINTS 1:0:r,2:3:w"),
            Ok(Command::Points(vec![(1, 0, false), (2, 3, true)]))
        );
        assert_eq!(read("POINTS -"), Ok(Command::Points(vec![])));
    }

    #[test]
    fn the_header_names_a_racer() {
        assert_eq!(racer("12.3"), Some((12, 3)));
        for odd in ["", "12", "12.", "12.16", "x.1", "-1.1"] {
            assert_eq!(racer(odd), None, "{odd}");
        }
    }

    #[test]
    fn values_keep_out_of_the_way_of_the_grammar() {
        assert_eq!(encode("a_B.9-"), "a_B.9-");
        assert_eq!(encode("[1, \"é\"]"), "%5B1%2C%20%22%C3%A9%22%5D");
        assert_eq!(list(std::iter::empty::<u8>()), "-");
        assert_eq!(list([1, 2].iter()), "1,2");
    }
}
