"""The pages over HTTP: readable, inert, in both languages, and nothing but pages whatever is asked."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.supervisor.app import app
from cli.supervisor.shelf import Shelf
from federation.ledger import pack as packs
from tests.cli.supervisor.packs import written
from tests.federation.ledger.tampering import carried
from tests.federation.ledger.world import START, contents, fingerprints, identity, joined

VOID = {"meta", "br", "link", "img", "input", "hr", "rect", "line", "circle", "path"}


class Reader:
    """Asks the app, without a network. Follows no redirect."""

    def __init__(self, served: FastAPI) -> None:
        self._transport = httpx.ASGITransport(served)

    def request(self, method: str, address: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://testserver") as client:
                return await client.request(method, address, headers=headers)

        return asyncio.run(asked())

    def get(self, address: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.request("GET", address, headers)


class Page(HTMLParser):
    """Elements that are closed in the order in which they were opened, links, and what must not be there."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} at {self.getpos()}")


@pytest.fixture
def folder(tmp_path: Path, crossing_packs: dict[str, bytes]) -> Path:
    written(tmp_path, crossing_packs)
    return tmp_path


def reader(folder: Path, trusted: dict[str, str] | None = None) -> Reader:
    return Reader(app(Shelf(folder, trusted or {}), "zh", frozenset({"testserver"})))


def reached(client: Reader, start: str) -> Iterator[tuple[str, str]]:
    """Every page that links lead to, with its text."""
    waiting, seen = [start], {start}
    while waiting:
        address = waiting.pop()
        answer = client.get(address)
        assert answer.status_code == 200, address
        yield address, answer.text
        for link in Page(answer.text).links:
            if not link.startswith("#") and link not in seen:
                seen.add(link)
                waiting.append(link)


def test_every_page_is_well_formed_inert_and_of_this_place_alone(folder: Path) -> None:
    client = reader(folder, fingerprints())
    found = dict(reached(client, "/en/"))
    assert len(found) == 2 * (1 + 3 + 4)
    for address, text in found.items():
        page = Page(text)
        assert not page.wrong and not page.open, (address, page.wrong, page.open)
        assert not {"script", "iframe", "object", "embed", "form", "link", "img", "base"} & set(page.tags)
        assert not [link for link in page.links if not re.match(r"[/#](?!/)", link)]
        assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
        assert "url(" not in text and "@import" not in text and "http:" not in text.replace("http-equiv", "")
        assert ("lang", "en" if address.startswith("/en/") else "zh-CN") in page.attributes
        assert page.tags.count("h1") == 1
        assert page.tags.count("th") == sum(1 for name, _ in page.attributes if name == "scope")


def test_the_policy_lets_the_page_load_its_own_style_sheet_and_nothing_else(folder: Path) -> None:
    answer = reader(folder).get("/en/")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_the_address_without_a_page_leads_to_the_language_that_was_asked_for(folder: Path) -> None:
    answer = reader(folder).get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/zh/")


def test_a_pack_that_was_changed_is_shown_as_not_verified_with_its_first_bad_entry(
    folder: Path, crossing_packs: dict[str, bytes]
) -> None:
    pack = packs.parse(crossing_packs["bank"], "bank.zip")
    lines = pack.lines("log.jsonl")
    changed = carried(pack, {**contents(pack), "log.jsonl": joined([*lines[:6], *lines[7:]])})
    (folder / "bank.zip").write_bytes(packs.archived(changed.files))
    client = reader(folder)
    pages = dict(reached(client, "/en/"))
    (run,) = [each for each in pages if re.fullmatch(r"/en/runs/[^/]+", each)]
    assert "Not verified: in the pack of bank, entry 6 of the ledger" in pages[run]
    assert "未通过核验：bank 的证据包，账本第 6 条" in pages[run.replace("/en/", "/zh/")]
    assert "Not verified" in pages["/en/"]


def test_a_bad_file_is_named_on_a_page_that_still_shows_the_others(folder: Path) -> None:
    (folder / "<b>torn.zip").write_bytes(b"PK\x03\x04")
    text = reader(folder).get("/zh/").text
    assert "&lt;b&gt;torn.zip" in text
    assert "This is not a pack" in text
    assert "核验" in text


def test_texts_of_a_pack_stay_texts(folder: Path, crossing_packs: dict[str, bytes]) -> None:
    evil = "'\"><script>alert(1)</script>"
    pack = packs.parse(crossing_packs["bank"], "bank.zip")
    made = packs.build(
        packs.Sources(
            identity("bank"),
            "bank",
            evil,
            f"../../{evil}",
            f"{START:%Y-%m-%dT%H:%M:%SZ}",
            {evil: evil},
            contents(pack),
        )
    )
    (folder / "evil.zip").write_bytes(made)
    pages = dict(reached(reader(folder), "/en/"))
    assert len(pages) > 16
    assert not [address for address, text in pages.items() if "<script" in text]
    assert sum("&lt;script&gt;" in text for text in pages.values()) >= 4


def test_pages_are_only_read(folder: Path) -> None:
    client = reader(folder)
    head = client.request("HEAD", "/en/")
    assert (head.status_code, head.text) == (200, "")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE"):
        answer = client.request(method, "/en/")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8650", "", "[::2]:1", "testserver.evil"])
def test_a_page_is_not_given_to_one_who_asks_for_another_host(folder: Path, host: str) -> None:
    answer = reader(folder).get("/en/", headers={"host": host})
    assert answer.status_code == 400
    assert "sme-credit" not in answer.text


def test_a_folder_that_is_gone_becomes_a_page_that_says_so(folder: Path) -> None:
    client = reader(folder)
    folder.rename(folder.with_name("elsewhere"))
    answer = client.get("/en/")
    assert answer.status_code == 503
    assert "cannot be listed" in answer.text
    assert "Traceback" not in answer.text


def test_an_error_of_our_own_shows_no_trace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Shelf) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(Shelf, "look", fail)
    answer = reader(folder).get("/en/")
    assert answer.status_code == 500
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


parts = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=30),
    st.sampled_from(["..", ".", "%2e%2e", "en", "zh", "runs", "roles", "borders", "\x00", "bank", "a" * 500]),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=st.lists(parts, max_size=6), query=st.one_of(st.just(""), st.text(max_size=20)))
def test_whatever_is_asked_is_a_page_or_is_refused_without_a_trace(
    client: Reader, path: list[str], query: str
) -> None:
    address = "/" + "/".join(quote(part, safe="%") for part in path)
    answer = client.get(f"http://testserver{address}" + (f"?{quote(query)}" if query else ""))
    pages = {"/en/", "/zh/", "/", "/en", "/zh"}
    if answer.status_code in (200, 307):
        assert answer.request.url.path in pages and not query
    else:
        assert answer.status_code in (400, 404)
        assert not Page(answer.text).wrong
    assert "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, crossing_packs: dict[str, bytes]) -> Reader:
    folder = tmp_path_factory.mktemp("packs")
    written(folder, crossing_packs)
    return reader(folder)
