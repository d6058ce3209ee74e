"""A HAR as a browser exports it: Chromium visits a page of ours, and what it sent is imported.

The server is the judge: it notes what came in, and the import must give exactly that, but for the
headers of the connection. Chromium is the machine's own; playwright drives it and has it write the
archive, and downloads nothing.
"""

import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import sync_playwright

from deadheat.cli import cli
from deadheat.io import imports
from deadheat.model import Origin
from tests.engine.attack.shop import Answer, Asked, serving

# It takes a browser, and some seconds: with the slow ones.
pytestmark = pytest.mark.rocket

ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # it refuses to run as root with one
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Nobody but the page is asked for anything.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)

HEAD = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">'
PAGE = f"""{HEAD}
<form method="post" action="/basket?from=page">
  <input name="item" value="tea &amp; biscuits"><input name="note" value="für später">
  <button>buy</button>
</form>
<a href="#" onclick="redeem()">redeem</a><output></output>
<script>
async function redeem() {{
  const answer = await fetch("/redeem/WELCOME10", {{
    method: "POST",
    headers: {{ "content-type": "application/json", "x-csrf": "t0ken" }},
    body: JSON.stringify({{ code: "WELCOME10", note: "grüße" }}),
  }});
  document.querySelector("output").textContent = await answer.text();
}}
</script>
"""
CONNECTION = {"host", "connection", "content-length", "accept-encoding"}


def shop(asked: Asked) -> Answer:
    if asked.target == "/":
        return 200, PAGE, {"Content-Type": "text/html; charset=utf-8", "Set-Cookie": "sid=s-1234567; Path=/"}
    if asked.target.startswith("/redeem"):
        return 200, "paid 10"
    return 200, f"{HEAD}<p>bought", {"Content-Type": "text/html; charset=utf-8"}


def export(url: str, har: Path) -> None:
    """Visit the page, redeem, buy, and have the browser write down what it asked for."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "no chromium on PATH: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        context = browser.new_context(record_har_path=har)
        page = context.new_page()
        page.goto(url)
        page.click("a")
        page.wait_for_selector("output:has-text('paid 10')")
        page.click("button")
        page.wait_for_selector("p:has-text('bought')")
        context.close()  # the archive is written now
        browser.close()


def test_what_chromium_exports_is_what_it_sent(tmp_path: Path) -> None:
    har = tmp_path / "shop.har"
    with serving(shop) as server:
        export(server.url, har)
    found = imports.load(har)
    assert [str(each.request) for each in found] == [
        "GET /",
        "POST /redeem/WELCOME10",
        "POST /basket?from=page",
    ]
    for each, asked in zip(found, server.asked, strict=True):
        request = each.request
        assert each.origin == Origin("http", "127.0.0.1", server.port)
        assert (request.method, request.target, request.body.decode()) == (
            asked.method, asked.target, asked.body,
        )  # fmt: skip
        headers = {name.lower(): value for name, value in request.headers}
        assert len(headers) == len(request.headers)
        assert headers == {k: v for k, v in asked.headers.items() if k not in CONNECTION}
    redeem, basket = found[1].request, found[2].request
    assert redeem.body.decode() == '{"code":"WELCOME10","note":"grüße"}'
    assert basket.body == b"item=tea+%26+biscuits&note=f%C3%BCr+sp%C3%A4ter"
    assert {dict(each.headers)["Cookie"] for each in (redeem, basket)} == {"sid=s-1234567"}

    with chdir(tmp_path):
        done = CliRunner().invoke(
            cli, ["attack", "--import", str(har), "--pick", "2", "--dry-run"], standalone_mode=False
        )
    assert done.return_value == 0, done.output
    assert f"this would go to {server.url}" in done.output
    assert "2 × POST /redeem/WELCOME10" in done.output
    assert '{"code":"WELCOME10","note":"grüße"}' in done.output
    assert "s-1234567" not in done.output
    assert len(server.asked) == 3  # nothing more was sent
