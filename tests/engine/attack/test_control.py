"""Orders up to exchanging equal racers, and answers of equals as a multiset."""

from hypothesis import given
from hypothesis import strategies as st

from deadheat.engine.attack.control import arranged, classes_of, count_orders, orders
from deadheat.engine.attack.mutate import MUTATIONS, variants
from deadheat.model import Request, Response
from deadheat.oracle import Observation
from deadheat.report.redact import Redactor

CLASSES = st.lists(st.integers(0, 2), min_size=1, max_size=5)


@given(CLASSES)
def test_every_order_once(classes: list[int]) -> None:
    found = list(orders(classes))
    words = {tuple(classes[actor] for actor in order) for order in found}
    assert len(found) == len(words) == count_orders(classes)
    assert all(sorted(order) == list(range(len(classes))) for order in found)


def test_twenty_of_the_same_have_one_order() -> None:
    classes = classes_of([Request("POST", "/redeem/X")] * 20)
    assert count_orders(classes) == 1
    assert list(orders(classes)) == [tuple(range(20))]


def test_who_of_equals_was_first_says_nothing() -> None:
    paid, used = Response(200, (), b"paid"), Response(409, (), b"used")
    one = arranged(Observation((used, paid, None)), (0, 0, 0))
    other = arranged(Observation((None, paid, used)), (0, 0, 0))
    assert one == other == Observation((paid, used, None))
    assert arranged(Observation((used, paid)), (0, 1)) == Observation((used, paid))


def test_every_family_of_mutations_can_be_had_and_the_seed_decides() -> None:
    form = Request(
        "POST", "/redeem/Code7?a=1&b=2", (("content-type", "application/x-www-form-urlencoded"),), b"x=1"
    )
    json = Request("POST", "/pay", (("Content-Type", "application/json"),), b'{"amount": 5}')
    families = {variant.family for request in (form, json) for variant in variants(request, 1)}
    assert families == set(MUTATIONS)
    assert variants(form, 3) == variants(form, 3)
    assert all(variant.request != form for variant in variants(form, 1))
    assert variants(Request("GET", "/"), 1) == ()


@given(st.text(min_size=4, max_size=12, alphabet="abcdefgh1234+/= é"), st.text(max_size=20))
def test_a_known_secret_stands_nowhere(secret: str, around: str) -> None:
    redactor = Redactor((secret,))
    request = Request("GET", f"/{around}{secret}", (("x", secret),), secret.encode("latin-1"))
    cleaned = redactor.value(request)
    assert secret not in cleaned.target
    assert cleaned.headers == (("x", "***a"),)


def test_a_short_secret_is_masked_as_a_word() -> None:
    redactor = Redactor(("7", "abcd"))
    assert redactor.text("7 and 17 and abcde, YWJjZA==") == "***a and 17 and ***be, ***b"
