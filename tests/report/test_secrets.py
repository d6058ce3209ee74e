"""Credentials are replaced, and what is not one is left alone."""

import pytest

from deadheat.report.secrets import Masker, is_secret_name


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def.ghi", "Authorization: ***1"),
        ("cookie: session=1; theme=dark", "cookie: ***1"),
        ("Set-Cookie: id=7f; HttpOnly\nDate: now", "Set-Cookie: ***1\nDate: now"),
        ('{"token": "t0p", "left": 3}', '{"token": "***1", "left": 3}'),
        ('{"password":"a \\" b"}', '{"password":"***1"}'),
        ("user=bob&password=hunter2&x=1", "user=bob&password=***1&x=1"),
        ('Session { api_key: "k", hits: 2 }', 'Session { api_key: "***1", hits: 2 }'),
        ("sent Bearer abcdef123456", "sent Bearer ***1"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2ln here", "***1 here"),
        ("Bucket { tokens: 5 }", "Bucket { tokens: 5 }"),
        ("One more: 2 active now", "One more: 2 active now"),
        ('{"count": 1}', '{"count": 1}'),
        ('200 "{\\"token\\": \\"t0p\\", \\"n\\": 1}"', '200 "{\\"token\\": \\"***1\\", \\"n\\": 1}"'),
        ("", ""),
    ],
)
def test_text(text: str, masked: str) -> None:
    assert Masker().text(text) == masked


def test_masking_twice_changes_nothing() -> None:
    masker = Masker()
    once = masker.text('{"token": "t0p"} Authorization: Bearer abcdefgh')
    assert masker.text(once) == once


def test_equal_secrets_look_alike_and_different_ones_do_not() -> None:
    masker = Masker()
    first, again, other = (masker.text(f"token={value}") for value in ("a", "a", "b"))
    assert first == again != other


@pytest.mark.parametrize(
    ("target", "masked"),
    [
        ("/a?x=1&access_token=zz&y", "/a?x=1&access_token=***1&y"),
        ("/a?pass%77ord=zz", "/a?pass%77ord=***1"),
        ("http://bob:pw@localhost/a", "http://***1@localhost/a"),
        ("/tokens?page=2", "/tokens?page=2"),
    ],
)
def test_target(target: str, masked: str) -> None:
    assert Masker().target(target) == masked


def test_headers() -> None:
    headers = (("Cookie", "a=b"), ("X-Api-Key", "k"), ("Accept", "*/*"))
    assert Masker().headers(headers) == (("Cookie", "***1"), ("X-Api-Key", "***2"), ("Accept", "*/*"))


def test_names() -> None:
    assert is_secret_name("accessToken")
    assert not is_secret_name("tokens")
    assert not is_secret_name("count")
