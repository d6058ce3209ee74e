"""What one format writes it reads back the same, for any request that HTTP can carry."""

from string import ascii_letters, digits

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from deadheat.io.imports import burp, curl, har, openapi, raw
from deadheat.io.imports.imported import Imported
from deadheat.model import Origin, Request

NAMES = st.text(ascii_letters + digits + "-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
VALUES = st.text([chr(c) for c in range(32, 127)], max_size=30).map(str.strip)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=4, unique_by=lambda pair: pair[0].lower()).map(tuple)
TARGETS = st.text(ascii_letters + digits + "-._~%/?&=+,;:@!$'()*", max_size=30).map(lambda text: f"/{text}")
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"])
ORIGINS = st.sampled_from(
    [Origin("http", "127.0.0.1", 8000), Origin("https", "shop.example", 443), Origin("http", "::1", 80)]
)


def requests(bodies: st.SearchStrategy[bytes]) -> st.SearchStrategy[Imported]:
    made = st.builds(Request, METHODS, TARGETS, HEADERS, bodies)
    return st.builds(Imported, made, ORIGINS)


@given(requests(st.binary(max_size=60)))
def test_curl(each: Imported) -> None:
    assert curl.parse(curl.write(each).encode()) == (each,)


@given(requests(st.binary(max_size=60)))
def test_raw(each: Imported) -> None:
    assert raw.read(raw.write(each), each.origin) == each


@given(requests(st.binary(max_size=60)))
def test_burp(each: Imported) -> None:
    assert burp.parse(burp.write((each, each))) == (each, each)


@given(st.lists(requests(st.binary(max_size=60)), max_size=3).map(tuple))
def test_har(several: tuple[Imported, ...]) -> None:
    assert har.parse(har.write(several)) == several


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
).filter(lambda value: value is not None)
PATHS = st.text(ascii_letters + digits + "-._~", min_size=1, max_size=12).map(lambda text: f"/{text}")
QUERIES = st.dictionaries(
    st.text(ascii_letters, min_size=1, max_size=5), st.text(ascii_letters + digits, max_size=5), max_size=2
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs.items()))


@settings(max_examples=30)
@given(METHODS, PATHS, QUERIES, HEADERS, st.none() | JSON)
def test_openapi(
    method: str, path: str, query: str, headers: tuple[tuple[str, str], ...], body: object
) -> None:
    target = f"{path}?{query}" if query else path
    data = b"" if body is None else msgspec.json.encode(body)
    headers += (("content-type", "application/json"),) if data else ()
    each = Imported(Request(method, target, headers, data), Origin("http", "127.0.0.1", 8000))
    assert openapi.parse(openapi.write((each,))) == (each,)
