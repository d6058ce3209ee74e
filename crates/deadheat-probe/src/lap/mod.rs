//! Laps: runs whose requests the runtime sends by itself, and whose answers it reads.
//!
//! A controller that sends each request and reads each answer pays for every schedule twice what the
//! application does. So it says once what the racers send (`SCRIPT`), and then an order a line (`LAP`): the
//! requests go over connections from inside the application to its own port, through the same sockets,
//! parser and router as anybody's. Answers are told in words only the first time they are met.
//!
//! It must not know who may go on: that is `control`'s.

mod answer;

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::control::{End, Trace};
use crate::protocol::{bit, encode, list, Order, Script};
use crate::runtime::Runtime;
use answer::Extent;

/// How often a silent answer is given up on, if its racer will not answer.
const LOOK: Duration = Duration::from_millis(20);
/// Connections that were idle for longer are opened anew: Rocket closes them after five seconds.
const FRESH: Duration = Duration::from_secs(2);
/// Answers known by number; when there are more, all are told anew.
const MOST: usize = 4096;

/// How a lap's run ended, as far as the sender of its requests needs to know.
pub struct Finish {
    /// What is told of the run.
    pub words: String,
    /// Nobody waits for these: their answers do not come.
    silent: u16,
    /// Whether the application serves others now.
    at_rest: bool,
}

impl Finish {
    /// That of `trace`, told as `words`.
    pub fn of(trace: &Trace, words: String) -> Self {
        Finish {
            words,
            silent: match trace.end {
                End::Hung => u16::MAX,
                _ => trace.pending.iter().fold(0, |all, held| all | bit(held.0)),
            },
            at_rest: !matches!(trace.end, End::Hung | End::Stuck),
        }
    }
}

/// Sends a script's requests.
#[derive(Default)]
pub struct Driver {
    script: Script,
    /// A connection for each racer, and one for the requests that look at the state afterwards.
    lines: Vec<Option<TcpStream>>,
    used: Option<Instant>,
    numbers: HashMap<Vec<u8>, usize>,
    /// A run has ended with racers that wait for ever: no other may begin.
    spoiled: bool,
}

impl Driver {
    /// Takes another script.
    pub fn learn(&mut self, script: Script) {
        self.lines.clear();
        self.lines
            .resize_with(script.racers.len() + 1, Default::default);
        self.script = script;
    }

    /// Executes one order from the marked values, and gives what to tell of it.
    pub fn lap(&mut self, runtime: &Runtime, order: Order) -> String {
        if self.spoiled {
            return "CUT spoiled".into();
        }
        if let Err(reason) = runtime.restore() {
            return format!("FAIL {}", encode(&reason));
        }
        match self.attempt(runtime, order) {
            Ok(words) => words,
            Err(error) => {
                self.spoiled = true;
                format!("CUT {}", encode(&error.to_string()))
            }
        }
    }

    fn attempt(&mut self, runtime: &Runtime, order: Order) -> io::Result<String> {
        let racers = self.script.racers.len();
        if order.actors != racers {
            return Err(io::Error::other(
                "the script is for another number of racers",
            ));
        }
        if self.used.map_or(true, |used| used.elapsed() > FRESH) {
            self.lines.iter_mut().for_each(|line| *line = None);
        }
        for line in 0..racers {
            self.connect(line)?;
        }
        let run = order.run;
        // Who is to begin comes last: it then goes on from its first probe without waiting there.
        let first = order.prefix.first().map_or(0, |&actor| usize::from(actor));
        runtime.begin_lap(order);
        for racer in (first + 1..racers).chain(0..racers.min(first + 1)) {
            let (before, after) = &self.script.racers[racer];
            let tag = format!("{run}.{racer}");
            let request = [before.as_slice(), tag.as_bytes(), after.as_slice()].concat();
            self.send(racer, &request)?;
        }
        let mut answers = Vec::new();
        for racer in 0..racers {
            let hopeless = || runtime.look_at_lap(|finish| finish.silent & bit(racer as u8) != 0);
            answers.push(self.receive(racer, hopeless)?);
        }
        let finish = runtime.end_lap();
        self.spoiled = !finish.at_rest;
        self.used = Some(Instant::now());
        if finish.at_rest {
            for index in 0..self.script.after.len() {
                let request = std::mem::take(&mut self.script.after[index]);
                let asked = self
                    .connect(racers)
                    .and_then(|()| self.send(racers, &request));
                self.script.after[index] = request;
                asked?;
                answers.push(self.receive(racers, || false)?);
            }
        }
        Ok(self.tell(finish, answers))
    }

    /// The lines that say how it ended, with answers by number.
    fn tell(&mut self, finish: Finish, answers: Vec<Option<Vec<u8>>>) -> String {
        let mut words = String::new();
        if self.numbers.len() + answers.len() > MOST {
            self.numbers.clear();
        }
        let mut told = Vec::new();
        for answer in answers {
            let Some(answer) = answer else {
                told.push(0);
                continue;
            };
            let next = self.numbers.len() + 1;
            let number = *self.numbers.entry(answer).or_insert_with_key(|answer| {
                words.push_str(&format!("ANSWER {next} {}\n", hex(answer)));
                next
            });
            told.push(number);
        }
        words.push_str(&format!("{} {}", finish.words, list(told.iter())));
        words
    }

    fn connect(&mut self, line: usize) -> io::Result<()> {
        if self.lines[line].is_none() {
            let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.script.port))?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(LOOK))?;
            self.lines[line] = Some(socket);
        }
        Ok(())
    }

    fn send(&mut self, line: usize, request: &[u8]) -> io::Result<()> {
        let socket = self.lines[line].as_mut();
        socket.map_or(Ok(()), |socket| socket.write_all(request))
    }

    /// The bytes of the answer; None when there will be none.
    fn receive(&mut self, line: usize, hopeless: impl Fn() -> bool) -> io::Result<Option<Vec<u8>>> {
        let Some(socket) = self.lines[line].as_mut() else {
            return Ok(None);
        };
        let began = Instant::now();
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match socket.read(&mut buffer) {
                Ok(0) if bytes.is_empty() => {
                    return Err(io::Error::from(ErrorKind::UnexpectedEof));
                }
                Ok(0) => break,
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if hopeless() {
                        return Ok(None);
                    }
                    if began.elapsed() > self.script.patience {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
            if answer::extent(&bytes) == Extent::Whole {
                return Ok(Some(bytes));
            }
        }
        self.lines[line] = None;
        Ok(Some(bytes))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
