"""Samples as people have them: what browsers, proxies and descriptions really write."""

import base64
from pathlib import Path

import pytest

from deadheat.io.imports import FORMATS, load
from deadheat.io.imports.imported import ImportMistake
from deadheat.model import Origin, ProjectError, Request

CHROME = r"""curl 'http://127.0.0.1:8000/redeem/WELCOME10?a=1' \
  -X 'POST' \
  -H 'Accept: */*' \
  -H 'Accept-Encoding: gzip, deflate, br' \
  -H 'Content-Type: application/json' \
  -b 'session=abc; theme=dark' \
  -H 'User-Agent: Mozilla/5.0 (X11; Linux x86_64)' \
  --data-raw $'{"name":"O\'Hara \u00e9","n":1}' \
  --compressed --insecure
"""

BURP = """<?xml version="1.0"?>
<!DOCTYPE items [
<!ELEMENT items (item*)>
<!ATTLIST items burpVersion CDATA "">
<!ELEMENT item (time, url, host, port, protocol, method, path, extension, request, status, response)>
<!ELEMENT request (#PCDATA)>
<!ATTLIST request base64 (true|false) "false">
]>
<items burpVersion="2024.5.5" exportTime="Mon Jun 10 10:00:00 CEST 2024">
  <item>
    <time>Mon Jun 10 09:59:00 CEST 2024</time>
    <url><![CDATA[https://shop.example/cart/checkout]]></url>
    <host ip="192.0.2.1">shop.example</host>
    <port>443</port>
    <protocol>https</protocol>
    <method><![CDATA[POST]]></method>
    <path><![CDATA[/cart/checkout]]></path>
    <extension>null</extension>
    <request base64="true"><![CDATA[%s]]></request>
    <status>200</status>
    <response base64="true"><![CDATA[]]></response>
  </item>
</items>
"""

RAW = b"POST /cart/checkout HTTP/2\nHost: shop.example\nCookie: session=s\nContent-Length: 99\n\na=1&b=2"

HAR = """{"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [],
 "entries": [{"startedDateTime": "2024-06-10T08:00:00.000Z", "time": 3.1, "_priority": "High",
  "request": {"method": "POST", "url": "https://shop.example/cart", "httpVersion": "h2",
   "headers": [{"name": ":authority", "value": "shop.example"}, {"name": ":method", "value": "POST"},
               {"name": "content-length", "value": "7"}, {"name": "x-csrf", "value": "t"}],
   "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 7,
   "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "a=1&b=2",
                "params": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}},
  "response": {"status": 200, "content": {"size": 0}}, "cache": {}, "timings": {}},
  {"request": {"method": "GET", "url": "data:image/png;base64,AA", "headers": []}}]}}"""

OPENAPI = """
openapi: 3.0.3
info: {title: shop, version: "1"}
servers: [{url: "http://127.0.0.1:{port}/api", variables: {port: {default: "8000"}}}]
paths:
  /orders/{id}/pay:
    parameters: [{$ref: "#/components/parameters/Id"}]
    post:
      operationId: pay
      parameters:
        - {name: dry, in: query, required: true, schema: {type: boolean}}
        - {name: page, in: query, schema: {type: integer}}
        - {name: X-Shop, in: header, required: true, schema: {type: string, enum: [eu, us]}}
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Payment"}
      responses: {"200": {description: paid}}
    get:
      responses: {"200": {description: it}}
components:
  parameters:
    Id: {name: id, in: path, required: true, schema: {type: integer, minimum: 7}}
  schemas:
    Payment:
      type: object
      required: [amount, to]
      properties:
        amount: {type: integer, minimum: 5}
        to: {type: string, format: uuid}
        note: {type: string}
"""


def test_a_curl_line_from_a_browser(tmp_path: Path) -> None:
    file = tmp_path / "line.sh"
    file.write_text(CHROME)
    (found,) = load(file)
    assert found.origin == Origin("http", "127.0.0.1", 8000, insecure=True)
    assert found.request == Request(
        "POST",
        "/redeem/WELCOME10?a=1",
        (
            ("Accept", "*/*"),
            ("Content-Type", "application/json"),
            ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
            ("Cookie", "session=abc; theme=dark"),
        ),
        '{"name":"O\'Hara é","n":1}'.encode(),
    )


def test_items_saved_by_burp(tmp_path: Path) -> None:
    file = tmp_path / "items.xml"
    raw = RAW.replace(b"\n", b"\r\n").replace(b"Content-Length: 99\r\n", b"Content-Length: 7\r\n")
    file.write_text(BURP % base64.b64encode(raw).decode())
    (found,) = load(file)
    assert found.origin == Origin("https", "shop.example", 443)
    assert found.request == Request("POST", "/cart/checkout", (("Cookie", "session=s"),), b"a=1&b=2")


def test_a_raw_request_edited_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "request.txt"
    file.write_bytes(RAW)
    (found,) = load(file)
    assert found.origin == Origin("http", "shop.example", 80)
    assert found.request == Request("POST", "/cart/checkout", (("Cookie", "session=s"),), b"a=1&b=2")


def test_an_archive_from_a_browser(tmp_path: Path) -> None:
    file = tmp_path / "shop.har"
    file.write_text(HAR)
    (found,) = load(file)
    assert found.origin == Origin("https", "shop.example", 443)
    assert found.request == Request("POST", "/cart", (("x-csrf", "t"),), b"a=1&b=2")


def test_a_description(tmp_path: Path) -> None:
    file = tmp_path / "openapi.yaml"
    file.write_text(OPENAPI)
    get, pay = sorted(load(file), key=lambda each: each.request.method)
    assert get.request == Request("GET", "/api/orders/7/pay")
    assert pay.name == "pay"
    assert pay.origin == Origin("http", "127.0.0.1", 8000)
    assert pay.request == Request(
        "POST",
        "/api/orders/7/pay?dry=true",
        (("X-Shop", "eu"), ("content-type", "application/json")),
        b'{"amount":5,"to":"00000000-0000-4000-8000-000000000001"}',
    )


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("curl", b"curl 'http://x", "a quote is not closed"),
        ("curl", b"curl -d @secrets http://x/", "reads a file"),
        ("curl", b"curl http://x/ http://y/", "2 URLs"),
        ("curl", b"curl -X", "needs a value"),
        ("raw", b"nonsense", "not an HTTP request"),
        ("raw", b"GET http://x/ HTTP/1.1\r\n\r\n", "is not a target"),
        ("har", b"{}", "not an HTTP archive"),
        ("burp", b"<items><item></item></items>", "item 1 holds no request"),
        ("burp", b"<html/>", "not items saved by Burp"),
        ("burp", b'<!DOCTYPE i [<!ENTITY a "b">]><items>&a;</items>', "declares entities"),
        ("openapi", b"swagger: '2.0'", "not OpenAPI 3"),
        ("openapi", b"openapi: [", "neither JSON nor YAML at line 1"),
        ("openapi", b'{"openapi": "3.0.0"}', "Field required at info"),
    ],
)
def test_what_is_none_is_told(kind: str, data: bytes, words: str) -> None:
    with pytest.raises(ImportMistake, match=words):
        FORMATS[kind](data)


def test_an_unknown_format_names_the_known(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("hello")
    with pytest.raises(ProjectError, match="none of curl, raw, har, burp, openapi"):
        load(file)
    with pytest.raises(ProjectError, match="No such file"):
        load(tmp_path / "y")
