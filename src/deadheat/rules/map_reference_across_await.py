"""DH301: a reference into a concurrent map lives across an `.await`. Covers P28."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, is_reference, spot
from deadheat.rust import Event, Kind, Root


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Awaits under a map's reference; the first of each reference."""
    for root in context.program.roots:
        if not any(is_reference(event) for event in root.events):
            continue
        done: set[int] = set()
        for event in root.events:
            if event.kind is not Kind.AWAIT or not root.flow.is_live(event):
                continue
            for guard in root.flow.held(event, surely=False):
                if is_reference(guard) and guard.id not in done:
                    done.add(guard.id)
                    yield _finding(rule, context, root, guard, event)


def _finding(rule: Rule, context: Context, root: Root, guard: Event, event: Event) -> Finding:
    place = guard.place
    assert place is not None  # an acquisition
    state, one = context.program.state_of(place, guard.type), context.who(root)
    span = context.program.span(guard.where)
    message = (
        f"{one} waits here while its reference into `{state.path}` (line {span.start_line}) keeps a "
        "shard of the "
        f"map locked. Request A ({one}) is parked with the lock; request B needs the shard and blocks "
        "its worker "
        f"thread, not its task; when all workers are blocked, nobody is left to run A on."
    )
    return spot(
        rule, context, root, event,
        state=state,
        message=message,
        confidence=confidence_of(rule, root, place, sure=bool(root.flow.must[event.id] >> guard.id & 1)),
        related=((span, f"a reference into `{state.path}`, still alive"),),
        shape=guard.method,
        since=guard,
    )  # fmt: skip


RULE = Rule(
    code="DH301",
    name="map-reference-across-await",
    title="map reference across an await",
    cwe=(667, 833),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A DashMap reference is held across an `.await`: others block their worker threads on its shard.",
    explanation="""\
What `DashMap::get`, `get_mut`, `iter` and `entry` give back keeps a shard of the map locked, and that lock
blocks threads. The compiler lets it cross an `.await` (unlike a std guard), so a request can be parked
with the lock in its hand:

    let user = users.get(&id)?;
    mail(&user.address).await;       // parked, and the shard is locked

Another request that needs the shard does not park: it blocks its worker thread. Rocket has as many
workers as cores; a few such requests, and there is no thread left for the one that holds the lock. The
whole server stands still. Copy what is needed and let the reference end before waiting.""",
    invalid=(
        Example(
            "mail is sent under the reference",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Users { by_id: DashMap<u64, String> }

async fn mail(_to: &str) {}

#[post("/remind/<id>")]
async fn remind(id: u64, users: &State<Users>) -> Option<()> {
    let user = users.by_id.get(&id)?;
    mail(&user).await;
    Some(())
}
""",
        ),
        Example(
            "a walk through the map that waits at each step",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Users { by_id: DashMap<u64, String> }

async fn mail(_to: &str) {}

#[post("/remind")]
async fn remind_all(users: &State<Users>) {
    for user in users.by_id.iter() {
        mail(user.value()).await;
    }
}
""",
        ),
    ),
    valid=(
        Example(
            "copied out before waiting",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Users { by_id: DashMap<u64, String> }

async fn mail(_to: &str) {}

#[post("/remind/<id>")]
async fn remind(id: u64, users: &State<Users>) -> Option<()> {
    let address = users.by_id.get(&id)?.clone();
    mail(&address).await;
    Some(())
}
""",
        ),
        Example(
            "the reference ends in a block of its own",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Users { by_id: DashMap<u64, String> }

async fn mail(_to: &str) {}

#[post("/remind")]
async fn remind_all(users: &State<Users>) {
    let addresses: Vec<String> = {
        let all = users.by_id.iter();
        all.map(|user| user.value().clone()).collect()
    };
    for address in addresses {
        mail(&address).await;
    }
}
""",
        ),
    ),
    fixes=(
        Fix(
            "copy what is needed out of the reference, and wait without it",
            Safety.UNSAFE,
            "no shard is locked while the request is parked",
            "the copy may be out of date afterwards: look again before acting on it",
        ),
    ),
    check=check,
)
