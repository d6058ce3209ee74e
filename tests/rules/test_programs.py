"""Small Rocket applications, racy ones and their safe twins: what a reader would say of each.

The programs are in `programs/`. What is listed here is found at medium confidence or above,
nothing else is, and nothing at all in those that are not listed.
"""

from pathlib import Path

import pytest

from deadheat.model import Confidence
from deadheat.rules import check
from deadheat.rust import read
from tests.rules.test_examples import tree

PROGRAMS = Path(__file__).parent / "programs"

# program: (rule, state, handlers)
EXPECTED: dict[str, tuple[str, str, set[str]]] = {
    "account_getter_racy": ("check-then-act", "Bank.accounts", {"act"}),
    "address_lease_racy": ("check-then-act", "App.pool", {"act"}),
    "admin_entry_racy": ("check-then-act", "Roles.admins", {"act", "demote"}),
    "alias_racy": ("lock-gap-read-modify-write", "Users", {"set_email"}),
    "arcswap_option_racy": ("atomic-load-then-store", "App.users", {"act"}),
    "atomic_cell_racy": ("atomic-load-then-store", "App.door", {"act"}),
    "auction_racy": ("check-then-act", "App.bids", {"act"}),
    "availability_racy": ("check-then-act", "App.items", {"act"}),
    "balance_atomic_racy": ("check-then-act", "Account.balance", {"withdraw"}),
    "ballot_racy": ("check-then-act", "App.votes", {"act"}),
    "bank_module_racy": ("check-then-act", "Bank.accounts", {"act"}),
    "batch_racy": ("check-then-act", "App.reserved", {"act"}),
    "board_game_racy": ("check-then-act", "App.games", {"act"}),
    "chat_room_racy": ("check-then-act", "Room.members", {"act"}),
    "code_retain_racy": ("check-then-act", "App.codes", {"act"}),
    "config_racy": ("torn-update", "App.port", {"act", "addr"}),
    "config_swap_racy": ("atomic-load-then-store", "Config.0", {"set_flag"}),
    "connections_racy": ("check-then-act", "App.connections", {"act"}),
    "counter_racy": ("thread-local-state", "SEEN", {"act"}),
    "coupon_racy": ("check-then-act", "AppState.coupons", {"redeem"}),
    "delete_racy": ("check-then-act", "Sessions.by_token", {"refresh"}),
    "deny_list_racy": ("check-under-another-lock", "App.frozen", {"act", "freeze"}),
    "double_get_racy": ("check-then-act", "App.names", {"act"}),
    "free_port_racy": ("check-then-act", "Ports.used", {"act"}),
    "frozen_racy": ("check-under-another-lock", "App.customers", {"act", "freeze"}),
    "generic_racy": ("check-then-act", "Accounts.rows", {"withdraw"}),
    "global_racy": ("check-then-act", "VOTES", {"vote"}),
    "guard_helper_racy": ("check-then-act", "App.users", {"act"}),
    "guard_record_racy": ("guard-then-handler", "Sessions.0", {"act"}),
    "guarded_limit_racy": ("check-then-act", "App.calls", {"act"}),
    "helper_racy": ("check-under-another-lock", "App.roles", {"act", "fire"}),
    "high_score_racy": ("atomic-load-then-store", "BEST", {"score"}),
    "holds_racy": ("check-then-act", "App.holds", {"act"}),
    "idempotency_racy": ("check-then-act", "App.done", {"act"}),
    "index_racy": ("torn-update", "App.by_email", {"act", "find"}),
    "inner_clone_racy": ("lock-gap-read-modify-write", "App.likes", {"act"}),
    "invite_racy": ("check-then-act", "Invites.0", {"join"}),
    "job_state_racy": ("check-then-act", "Job.phase", {"start"}),
    "leader_racy": ("check-then-act", "App.leader", {"act"}),
    "ledger_total_racy": ("torn-update", "App.total", {"act", "audit"}),
    "list_after_push_racy": ("response-re-read", "App.waiting", {"act"}),
    "locked_accounts_racy": ("check-then-act", "App.accs[a]", {"act"}),
    "lockers_racy": ("check-then-act", "App.lockers[*]", {"act"}),
    "login_attempts_racy": ("check-then-act", "Security.attempts", {"login"}),
    "login_once_racy": ("once-get-then-set", "App.token", {"act"}),
    "lot_getter_racy": ("check-then-act", "House.lots[n]", {"act"}),
    "macro_lock_racy": ("check-then-act", "App.credits", {"act"}),
    "mail_once_racy": ("check-then-act", "App.seen", {"act"}),
    "modules_racy": ("lock-gap-read-modify-write", "Store.items", {"add"}),
    "moka_limit_racy": ("check-then-act", "App.hits", {"act"}),
    "moved_amount_racy": ("atomic-load-then-store", "App.a", {"act"}),
    "mutexbool_racy": ("check-then-act", "App.claimed", {"act"}),
    "newtype_racy": ("lock-gap-read-modify-write", "Db.0", {"like"}),
    "once_racy": ("once-get-then-set", "INSTANCE_ID", {"instance"}),
    "one_time_code_racy": ("check-then-act", "App.codes", {"act"}),
    "ops_chain_racy": ("check-then-act", "App.cards", {"act"}),
    "option_racy": ("static-mut", "CONFIG", {"act", "read"}),
    "order_total_racy": ("torn-update", "Shared.revenue", {"order", "report"}),
    "otp_racy": ("check-then-act", "App.otps", {"act"}),
    "peek_put_racy": ("lock-gap-read-modify-write", "App.state", {"act"}),
    "per_key_lock_racy": ("check-then-act", "Bank.wallets", {"spend"}),
    "poison_style_racy": ("check-then-act", "App.rooms", {"act"}),
    "queue_position_racy": ("response-re-read", "App.queue", {"act"}),
    "queue_racy": ("check-then-act", "Jobs.queue", {"add", "next"}),
    "rate_limit_racy": ("check-then-act", "RateLimiter.requests", {"quote"}),
    "raw_static_racy": ("static-mut", "LAST_ID", {"act"}),
    "rawptr_racy": ("unsafe-sync", "App.counter.value", {"act"}),
    "ref_racy": ("check-then-act", "App.stock", {"act"}),
    "register_racy": ("check-then-act", "Accounts.by_name", {"register"}),
    "remove_at_racy": ("check-then-act", "Tasks", {"act"}),
    "reqid_racy": ("thread-local-state", "REQUEST_ID", {"act"}),
    "reset_token_racy": ("check-then-act", "Auth.tokens", {"reset"}),
    "retry_racy": ("side-effect-in-retry", "Raffle.left", {"draw"}),
    "roles_racy": ("check-under-another-lock", "Team.admins", {"fire", "publish"}),
    "round_robin_racy": ("atomic-load-then-store", "NEXT", {"act"}),
    "seats_racy": ("check-then-act", "Theatre.inner.show", {"book"}),
    "session_id_racy": ("check-then-act", "App.devices", {"act"}),
    "shadowed_count_racy": ("lock-gap-read-modify-write", "App.count", {"act"}),
    "snapshot_racy": ("lock-gap-read-modify-write", "App.settings", {"act"}),
    "spin_flag_racy": ("atomic-load-then-store", "App.busy", {"act"}),
    "static_mut_racy": ("static-mut", "HITS", {"hits", "index"}),
    "stock_racy": ("check-then-act", "Shop.products", {"buy"}),
    "thread_local_racy": ("thread-local-state", "CURRENT_USER", {"me"}),
    "ticket_racy": ("response-re-read", "Tickets.last", {"create"}),
    "toggle_racy": ("atomic-load-then-store", "Lamp.on", {"toggle"}),
    "tokio_racy": ("once-get-then-set", "TOKEN", {"act"}),
    "trait_racy": ("check-then-act", "Quotas.used", {"render"}),
    "transfer_racy": ("torn-update", "Bank.savings", {"save", "total"}),
    "two_maps_racy": ("torn-update", "App.scores", {"act", "show"}),
    "unsafe_sync_racy": ("unsafe-sync", "App.motto.0", {"motto", "set_motto"}),
    "vec_racy": ("side-effect-in-retry", "App.next", {"act"}),
    "visits_racy": ("lock-gap-read-modify-write", "Visits.count", {"visit"}),
    "watch_halves_racy": ("atomic-load-then-store", "Bus.tx", {"act"}),
    "with_closure_racy": ("lock-gap-read-modify-write", "App.log", {"act"}),
}
# Only notes: what is certain is the missing order, not that a processor or compiler makes use of it.
NOTES = {
    "publish_racy": ("relaxed-publication", "Draw.ready"),
    # Whether anybody asks HEAD is not in the source.
    "head_takes_racy": ("executed-twice", "App.links"),
}


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.rs")), ids=lambda path: str(path.stem))
def test_what_a_reader_would_say(path: Path) -> None:
    findings = check(read(tree(path.read_text("utf-8"))))
    sure = [finding for finding in findings if finding.confidence is not Confidence.LOW]
    found = [(f.rule, f.state.path, {handler.rsplit("::", 1)[-1] for handler in f.handlers}) for f in sure]
    found = [one for number, one in enumerate(found) if one not in found[:number]]
    expected = EXPECTED.get(path.stem)
    assert found == ([expected] if expected is not None else [])
    if path.stem in NOTES:
        assert NOTES[path.stem] in [(finding.rule, finding.state.path) for finding in findings]


def test_every_racy_program_is_expected() -> None:
    racy = {path.stem for path in PROGRAMS.glob("*_racy.rs")}
    assert racy == EXPECTED.keys() | NOTES.keys()
