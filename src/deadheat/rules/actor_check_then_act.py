"""DH308: an actor is asked, and told what to do because of its answer, in two messages. Covers P37."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of
from deadheat.rust import Event, Kind, Root
from deadheat.rust.outside import ASK


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """A message that depends on the reply to an earlier message into the same channel."""
    for root in context.program.roots:
        sends = [event for event in root.events if event.kind is Kind.SEND and root.flow.is_live(event)]
        if len(sends) < 2:
            continue
        asked = {event.id for event in root.events if event.kind is Kind.CALL and event.method == ASK}
        done: set[int] = set()
        for act in sends:
            for ask in sends:
                if act.id in done or act.place != ask.place or not root.flow.follows(ask, act):
                    continue
                replies = asked & {number for number, _ in ask.deps}
                if replies and _relies(act, replies) and not _guarded(root, ask, act):
                    done.add(act.id)
                    yield _finding(rule, context, root, ask, act)


def _relies(act: Event, replies: set[int]) -> bool:
    """Whether the message says what the reply said, or is sent because of it.

    That there was a reply at all (`?`) decides nothing about the actor's state.
    """
    return any(number in replies for number, _ in act.deps) or any(
        number in replies and "?" not in part for number, part in act.control
    )


def _guarded(root: Root, ask: Event, act: Event) -> bool:
    """Whether a lock is held over both messages (then the senders take turns)."""
    both = root.flow.must[ask.id] & root.flow.must[act.id]
    return bool(both)


def _finding(rule: Rule, context: Context, root: Root, ask: Event, act: Event) -> Finding:
    place = act.place
    assert place is not None  # a message has its channel
    window, one = context.window(root, ask, act), context.who(root)
    state = context.program.state_of(place, act.type).path
    message = (
        f"{one} asks the actor behind `{state}` in {describe(window.check)} and acts on the reply in "
        f"{describe(window.act)}. The actor handles one message at a time, but others' messages come "
        "in between: "
        f"request A asks; request B asks and is told the same; A's and B's changes both rest on that reply."
    )
    return context.finding(
        rule, root, place, window,
        handlers=context.handlers(root, ()),
        message=message,
        confidence=confidence_of(rule, root, place),
        related=context.related(window, "the question", "reached through this call"),
        act=act,
        shape="send>send",
    )  # fmt: skip


RULE = Rule(
    code="DH308",
    name="actor-check-then-act",
    title="check-reply-act through an actor",
    cwe=(362, 367),
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    impact=(Impact.DATA_CORRUPTION,),
    summary="A handler asks an actor, then tells it what to do because of the reply: others get in between.",
    explanation="""\
A task owns the state and a channel brings it messages: no lock, no data race, one message at a time. It is
still two messages when a handler first asks and then acts:

    A: how many are left?     1
    B: how many are left?     1
    A: take one               0
    B: take one               -1

The actor made each message atomic, not the pair. Send one message that says what is wanted and under which
condition, and let the actor decide and reply.""",
    invalid=(
        Example(
            "ask, then take",
            """\
use rocket::{post, State, tokio::sync::{mpsc, oneshot}};

enum Message { Left(oneshot::Sender<u32>), Take }

struct Stock { actor: mpsc::Sender<Message> }

#[post("/buy")]
async fn buy(stock: &State<Stock>) -> &'static str {
    let (reply, answer) = oneshot::channel();
    let _ = stock.actor.send(Message::Left(reply)).await;
    let left = answer.await.unwrap_or(0);
    if left == 0 {
        return "sold out";
    }
    let _ = stock.actor.send(Message::Take).await;
    "yours"
}
""",
        ),
        Example(
            "read, add, write back, through a handle's methods",
            """\
use rocket::{post, State, tokio::sync::{mpsc, oneshot}};

enum Message { Get { reply: oneshot::Sender<u64> }, Set { value: u64 } }

struct Counter { sender: mpsc::Sender<Message> }

impl Counter {
    async fn get(&self) -> u64 {
        let (reply, answer) = oneshot::channel();
        let _ = self.sender.send(Message::Get { reply }).await;
        answer.await.unwrap()
    }

    async fn set(&self, value: u64) {
        let _ = self.sender.send(Message::Set { value }).await;
    }
}

#[post("/bump")]
async fn bump(counter: &State<Counter>) {
    let value = counter.get().await;
    counter.set(value + 1).await;
}
""",
        ),
    ),
    valid=(
        Example(
            "one message that decides",
            """\
use rocket::{post, State, tokio::sync::{mpsc, oneshot}};

enum Message { TakeIfLeft(oneshot::Sender<bool>) }

struct Stock { actor: mpsc::Sender<Message> }

#[post("/buy")]
async fn buy(stock: &State<Stock>) -> &'static str {
    let (reply, answer) = oneshot::channel();
    let _ = stock.actor.send(Message::TakeIfLeft(reply)).await;
    if answer.await.unwrap_or(false) { "yours" } else { "sold out" }
}
""",
        ),
        Example(
            "a message after the reply that has nothing to do with it",
            """\
use rocket::{post, State, tokio::sync::{mpsc, oneshot}};

enum Message { Left(oneshot::Sender<u32>), Seen }

struct Stock { actor: mpsc::Sender<Message> }

#[post("/look")]
async fn look(stock: &State<Stock>) -> Option<String> {
    let (reply, answer) = oneshot::channel();
    stock.actor.send(Message::Left(reply)).await.ok()?;
    let left = answer.await.ok()?;
    stock.actor.send(Message::Seen).await.ok()?;
    Some(left.to_string())
}
""",
        ),
    ),
    fixes=(
        Fix(
            "send one message with the condition in it, and let the actor decide and reply",
            Safety.UNSAFE,
            "the actor handles one message at a time: its check and its act are one step",
            "a message of its own for each decision",
        ),
    ),
    check=check,
)
