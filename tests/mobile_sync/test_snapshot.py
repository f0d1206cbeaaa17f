"""SPEC.md L13–L15: a pull to its end as one stream, cut anywhere, gone on with."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random  # noqa: TID251 - seeded
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from mobile_sync.adapters import snapshots
from mobile_sync.adapters.purging import purge_exits
from mobile_sync.lines import BrokenAnswer, pages_of
from mobile_sync.link import HttpLink, Refused
from mobile_sync.protocol import READING
from mobile_sync.tablet import Tablet
from mobile_sync.testing import Ticker
from tests.mobile_sync.sample import Shop, delete_note, save_note
from tests.mobile_sync.test_http import told
from tests.mobile_sync.web import WebShop, make_app, serving

PAGE = 5
Page = Mapping[str, Any]


@pytest.fixture
def device_id(shop: Shop) -> UUID:
    """A device with two shelves."""
    device_id = uuid7()
    shop.scopes[device_id] = {"a", "b"}
    return device_id


@pytest.fixture
def client(shop: Shop, device_id: UUID, tmp_path: Path) -> FlaskClient:
    """Speaks for the device."""
    client = make_app(WebShop(shop, tmp_path)).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {device_id}"
    return client


def save(shop: Shop, rec_id: UUID, **fields: Any) -> None:
    with shop.unit() as ctx:
        save_note(ctx, rec_id, fields)


def notes(shop: Shop, count: int) -> list[UUID]:
    """So many notes on shelves a and b by turns, each in a transaction of its own."""
    ids = [uuid7() for _ in range(count)]
    for number, rec_id in enumerate(ids):
        save(shop, rec_id, title=f"{number}", shelf="ab"[number % 2])
    return ids


def stream(client: FlaskClient, body: Page | None = None, **headers: str) -> Iterator[bytes]:
    """The pieces of a snapshot as the server makes them."""
    answered = client.post("/sync/v1/snapshot", json=body or {"limit": PAGE}, headers=headers, buffered=False)
    assert answered.status_code == 200, answered.get_json()
    assert answered.mimetype == "application/x-ndjson"
    return iter(answered.iter_encoded())


class Streams:
    """Snapshots of a device over the test client; `cuts`: bytes after which each link is gone."""

    def __init__(self, client: FlaskClient, cuts: Iterable[int] = ()) -> None:
        self.client = client
        self.cuts = iter(cuts)
        self.lines = 0
        self.asked = 0

    def __call__(self, body: Page) -> Iterator[Page]:
        self.asked += 1
        pieces = stream(self.client, body, **{"Accept-Encoding": "gzip"})
        for page in pages_of(cut_after(pieces, next(self.cuts, None)), "gzip"):
            self.lines += 1
            yield page


def cut_after(pieces: Iterable[bytes], count: int | None) -> Iterator[bytes]:
    """So many bytes, then nothing."""
    for piece in pieces:
        if count is not None and len(piece) > count:
            yield piece[:count]
            return
        yield piece
        count = None if count is None else count - len(piece)


def tablet_of(shop: Shop, device_id: UUID, streams: Any) -> Tablet:
    return Tablet(shop.post(device_id), shop.clock, snapshot=streams)


def told_by(tablet: Tablet) -> dict[str, Any]:
    return {key: held["doc"]["title"] for key, held in tablet.replica.docs.items()}


def fresh(shop: Shop, *shelves: str) -> dict[str, Any]:
    """What a device gets that pulls by pages."""
    device_id = uuid7()
    shop.scopes[device_id] = set(shelves)
    tablet = Tablet(shop.post(device_id), shop.clock)
    tablet.pull()
    return told_by(tablet)


def test_L13_one_answer_has_all_pages_and_adds_up(shop: Shop, client: FlaskClient, device_id: UUID) -> None:
    notes(shop, 23)
    streams = Streams(client)
    tablet = tablet_of(shop, device_id, streams)
    assert tablet.pull(limit=PAGE) == 5
    assert streams.asked == 1
    assert told_by(tablet) == fresh(shop, "a", "b")
    assert tablet.replica.mismatched == set()


def test_L13_each_line_is_a_page_and_says_what_is_left(shop: Shop, client: FlaskClient) -> None:
    ids = notes(shop, 23)
    with shop.unit() as ctx:
        delete_note(ctx, ids[4])
    pages = [json.loads(line) for line in b"".join(stream(client)).splitlines()]
    assert [len(page["changes"]) for page in pages] == [5, 5, 5, 5, 2]
    assert [page["left"] for page in pages] == [17, 12, 7, 2, 0]
    assert not any(change["gone"] for page in pages for change in page["changes"])
    marks = [[state["seq"] >= READING for state in page["buckets"]] for page in pages]
    assert marks == [[True, False], [True, False], [False, True], [False, True], [False, False]]
    assert all(state["checksum"] is not None for state in pages[-1]["buckets"])
    by_page = client.post("/sync/v1/pull", json={"limit": 100}).get_json()
    assert "snapshot" in by_page["offers"]
    assert [change for page in pages for change in page["changes"]] == by_page["changes"]
    assert by_page["buckets"] == pages[-1]["buckets"]


def test_L13_what_is_written_while_it_is_sent_comes_with_the_next_pull(
    shop: Shop, client: FlaskClient, device_id: UUID
) -> None:
    ids = notes(shop, 12)

    def slow(body: Page) -> Iterator[Page]:
        for number, page in enumerate(Streams(client)(body)):
            save(shop, ids[-1], title=f"after line {number}")
            yield page

    tablet = tablet_of(shop, device_id, slow)
    tablet.pull(limit=PAGE)
    assert told_by(tablet)[f"note/{ids[-1]}"] == "11"
    assert tablet.replica.mismatched == set()
    tablet.pull()
    assert told_by(tablet) == fresh(shop, "a", "b")


def test_L13_a_line_is_sent_as_soon_as_it_is_made(shop: Shop, client: FlaskClient) -> None:
    notes(shop, 12)
    pieces = stream(client, **{"Accept-Encoding": "gzip"})
    first = zlib.decompressobj(wbits=31).decompress(next(pieces))
    assert json.loads(first)["left"] == 7


@pytest.mark.parametrize("seed", range(6))
def test_L14_a_stream_that_is_cut_anywhere_is_gone_on_with(
    shop: Shop, client: FlaskClient, device_id: UUID, seed: int
) -> None:
    chance = Random(seed)
    ids = notes(shop, 30)
    streams = Streams(client, [chance.randrange(1, 500) for _ in range(4)])
    tablet = tablet_of(shop, device_id, streams)
    cuts = 0
    while tablet.replica.epoch is None:
        try:
            tablet.pull(limit=PAGE)
        except BrokenAnswer:
            cuts += 1
            save(shop, chance.choice(ids), title=f"changed after cut {cuts}")
            save(shop, chance.choice(ids), shelf=chance.choice("abc"))
    assert tablet.replica.mismatched == set()
    assert told_by(tablet) == fresh(shop, "a", "b")
    assert cuts >= 1
    assert streams.lines <= 7 + 3 * cuts, "only what was cut and what changed travels again"


def test_L14_a_server_that_ends_early_is_asked_again(
    shop: Shop, client: FlaskClient, device_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "LONGEST_S", 0.0)
    notes(shop, 23)
    streams = Streams(client)
    tablet = tablet_of(shop, device_id, streams)
    assert tablet.pull(limit=PAGE) == 5
    assert streams.asked >= 4
    assert told_by(tablet) == fresh(shop, "a", "b")


LINES = [{"n": number, "地": "龙衡" * number} for number in range(4)]
WRITTEN = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in LINES)


@given(st.lists(st.integers(0, len(WRITTEN)), max_size=8), st.integers(0, len(WRITTEN)), st.booleans())
def test_L14_only_whole_lines_are_taken(at: list[int], end: int, zipped: bool) -> None:
    packer = zlib.compressobj(wbits=31)
    sent = packer.compress(WRITTEN) + packer.flush() if zipped else WRITTEN
    end = end * len(sent) // len(WRITTEN)
    edges = [0, *sorted(cut * end // len(WRITTEN) for cut in at), end]
    taken = []
    pieces = [sent[a:b] for a, b in pairwise(edges)]
    whole = end == len(sent) or (not zipped and end > 0 and b"\n" in (WRITTEN[end - 1 : end], WRITTEN[end : end + 1]))
    try:
        taken.extend(pages_of(pieces, "gzip" if zipped else None))
        assert whole
    except BrokenAnswer:
        assert not whole
    assert taken == LINES[: len(taken)]
    assert taken == LINES or end < len(sent) - 1


def test_L15_a_server_without_streams_is_asked_by_pages_and_only_once_for_a_stream(shop: Shop, device_id: UUID) -> None:
    notes(shop, 12)
    asked = []

    def older(body: Page) -> Iterable[Page]:
        asked.append(body)
        raise Refused(404, "not_found")

    tablet = tablet_of(shop, device_id, older)
    assert tablet.pull(limit=PAGE) == 3
    tablet.restart()
    tablet.pull()
    assert len(asked) == 1
    assert told_by(tablet) == fresh(shop, "a", "b")


def test_L15_a_device_that_is_up_to_date_asks_for_a_page(shop: Shop, client: FlaskClient, device_id: UUID) -> None:
    notes(shop, 3)
    streams = Streams(client)
    tablet = tablet_of(shop, device_id, streams)
    tablet.pull()
    notes(shop, 12)
    tablet.pull(limit=PAGE)
    assert streams.asked == 1
    assert told_by(tablet) == fresh(shop, "a", "b")


def test_L15_a_long_bucket_that_was_reset_comes_as_a_stream(shop: Shop, client: FlaskClient, device_id: UUID) -> None:
    notes(shop, 23)
    streams = Streams(client)
    tablet = tablet_of(shop, device_id, streams)
    tablet.pull()
    tablet.replica.members["shelf:a"].popitem()
    tablet.pull()
    assert tablet.replica.mismatched == {"shelf:a"}
    tablet.pull(limit=PAGE)
    assert streams.asked == 2
    assert tablet.replica.mismatched == set()
    assert told_by(tablet) == fresh(shop, "a", "b")


def test_L15_a_tablet_bootstraps_over_a_real_link(shop: Shop, device_id: UUID, clock: Ticker, tmp_path: Path) -> None:
    notes(shop, 12)
    with serving(make_app(WebShop(shop, tmp_path))) as address:
        link = HttpLink(f"{address}/sync/v1/", str(device_id))
        tablet = Tablet(link, clock, snapshot=link.snapshot)
        assert tablet.pull(limit=PAGE) == 3
    assert told_by(tablet) == fresh(shop, "a", "b")


def test_L13_what_cannot_be_pulled_is_refused_before_the_first_line(
    client: FlaskClient, shop: Shop, device_id: UUID
) -> None:
    assert told(client.post("/sync/v1/snapshot", json={"surprise": 1})) == (422, "malformed")
    assert told(client.post("/sync/v1/snapshot", data=b"{")) == (400, "not_json")
    shop.revoked.add(device_id)
    assert told(client.post("/sync/v1/snapshot", json={})) == (403, "device_revoked")


@pytest.mark.parametrize(
    "stands",
    [
        {"cursors": {"shelf:a": 10**9, "shelf:b": 3}},
        {"cursors": {"shelf:a": -1, "shelf:b": READING + 10**6}},
        {"cursors": {"shelf:a": 2, "shelf:b": 3}, "epoch": "another life"},
        {"cursors": {"shelf:a": 2, "shelf:b": 3}, "mismatched": ["shelf:b"]},
        {"cursors": {"shelf:a": 2, "shelf:of another": 3}},
    ],
    ids=["future", "no position", "another life", "mismatched", "dropped"],
)
def test_L13_a_cursor_that_cannot_be_is_reset_as_by_a_page(
    shop: Shop, client: FlaskClient, stands: dict[str, Any]
) -> None:
    notes(shop, 12)
    epoch = client.post("/sync/v1/pull", json={}).get_json()["epoch"]
    asked = {"epoch": epoch, "limit": 100, **stands}
    (line,) = b"".join(stream(client, asked)).splitlines()
    page = client.post("/sync/v1/pull", json=asked).get_json()
    streamed = json.loads(line)
    for name in ("buckets", "dropped", "changes"):
        assert streamed[name] == page[name]


def test_L14_what_was_staged_more_than_a_day_ago_is_not_gone_on_with(
    shop: Shop, client: FlaskClient, device_id: UUID, clock: Ticker
) -> None:
    ids = notes(shop, 12)

    def cut(body: Page) -> Iterator[Page]:
        first, *_rest = Streams(client)(body)
        yield first
        raise BrokenAnswer("cut behind its first line")

    tablet = tablet_of(shop, device_id, cut)
    with pytest.raises(BrokenAnswer):
        tablet.pull(limit=PAGE)
    brought = {UUID(change["id"]) for page in tablet.staged for change in page["changes"]}
    tablet.snapshot = Streams(client)
    with shop.unit() as ctx:
        delete_note(ctx, min(brought))
    fresh(shop, "a", "b")  # which numbers the exit
    clock.tick(days=500)
    with shop.unit() as ctx:
        assert purge_exits(ctx.session, clock(), clock() - timedelta(days=2)) == 1
    tablet.pull(limit=PAGE)
    assert told_by(tablet).keys() == {f"note/{one}" for one in ids if one != min(brought)}
    assert tablet.replica.mismatched == set()
