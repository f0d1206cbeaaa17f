"""Files that nobody declared are removed; never one that an op names, whatever became of it, nor one on its way."""
# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mobile_sync.adapters.collecting import Collected, InUse, collect_undeclared
from mobile_sync.engine import push as push_batch
from mobile_sync.testing import Ticker
from mobile_sync.wire import read_batch
from tests.mobile_sync.files import a_device, a_photo, begin, check, client_of, patch
from tests.mobile_sync.sample import Shop
from tests.mobile_sync.test_http import batch, op
from tests.mobile_sync.web import WebShop

NOTHING = Collected(0, 0)


@pytest.fixture
def web(shop: Shop, tmp_path: Path) -> WebShop:
    """The shop with a door."""
    return WebShop(shop, tmp_path)


@pytest.fixture
def device_id(shop: Shop) -> UUID:
    """A device with shelf a."""
    return a_device(shop, "a")


@pytest.fixture
def client(web: WebShop, device_id: UUID) -> FlaskClient:
    """Speaks for it."""
    return client_of(web, device_id)


def sent(client: FlaskClient, seed: int = 1) -> str:
    """A verified file; returns its hash."""
    content, sha256 = a_photo(seed=seed)
    patch(client, begin(client, sha256, len(content)).headers["Location"], 0, content)
    assert state(client, sha256) == "verified"
    return sha256


def state(client: FlaskClient, sha256: str) -> str:
    """Where the server stands with a file."""
    return str(check(client, sha256)[0]["state"])


def named(sha256: str, **others: Any) -> dict[str, Any]:
    """An op with a file."""
    file = {"sha256": sha256, "size": 5_000, "mime": "image/jpeg", "kind": "photo", "slot": "before"}
    return op(rec_id=str(uuid7()), **{"files": [file], **others})


def push(client: FlaskClient, *ops: dict[str, Any]) -> str:
    """Send ops; returns the last status."""
    return str(client.post("/sync/v1/push", json=batch(*ops)).get_json()["results"][-1]["status"])


def collect(web: WebShop, in_use: InUse = lambda hashes: ()) -> Collected:
    """One run of the scheduler."""
    with web.shop.unit() as ctx:
        return collect_undeclared(ctx.session, web.store, ctx.now, in_use=in_use)


def test_B11_a_file_that_nobody_declared_is_missing_after_a_month_and_goes_a_week_later(
    client: FlaskClient, web: WebShop, clock: Ticker
) -> None:
    sha256 = sent(client)
    clock.tick(days=29)
    assert (collect(web), state(client, sha256)) == (NOTHING, "verified")
    clock.tick(days=2)
    assert (collect(web), state(client, sha256)) == (Collected(1, 0), "missing")
    assert (collect(web), web.store.has(sha256)) == (NOTHING, True)
    clock.tick(days=8)
    assert (collect(web), web.store.has(sha256)) == (Collected(0, 1), False)
    assert collect(web) == NOTHING
    assert sent(client) == sha256, "it may come again"


def test_B11_a_declared_file_stays(client: FlaskClient, web: WebShop, clock: Ticker) -> None:
    sha256 = sent(client)
    assert push(client, named(sha256)) == "applied"
    clock.tick(days=400)
    assert (collect(web), state(client, sha256)) == (NOTHING, "verified")


@pytest.mark.parametrize(
    ("status", "others"),
    [
        ("quarantined", {"entity": "nobody knows"}),
        ("quarantined", {"fields": "malformed"}),
        ("rejected", {"fields": {"title": "forbidden"}}),
    ],
)
def test_B11_a_file_that_an_op_only_names_stays(
    client: FlaskClient, web: WebShop, clock: Ticker, status: str, others: dict[str, Any]
) -> None:
    sha256 = sent(client)
    assert push(client, named(sha256, **others)) == status
    clock.tick(days=400)
    assert (collect(web), state(client, sha256)) == (NOTHING, "verified")


def test_B11_the_file_of_a_held_op_stays(client: FlaskClient, web: WebShop, clock: Ticker) -> None:
    sha256 = sent(client)
    waits_for = op(1, entity="nobody knows")
    assert push(client, waits_for, {**named(sha256), "op_no": 2, "depends_on": [1]}) == "held"
    clock.tick(days=400)
    assert (collect(web), state(client, sha256)) == (NOTHING, "verified")


def test_B11_the_file_of_a_lost_device_stays(client: FlaskClient, web: WebShop, clock: Ticker, device_id: UUID) -> None:
    sha256 = sent(client)
    web.shop.revoked.add(device_id)
    assert push(client, named(sha256)) == "quarantined"
    clock.tick(days=400)
    assert (collect(web), web.store.has(sha256)) == (NOTHING, True)


def test_B11_a_file_that_was_offered_lately_stays(web: WebShop, client: FlaskClient, clock: Ticker) -> None:
    sha256 = sent(client)
    clock.tick(days=20)
    mate = client_of(web, a_device(web.shop, "a"))
    assert begin(mate, sha256, 5_000).headers["Upload-Offset"] == "5000"
    clock.tick(days=20)
    assert (collect(web), state(client, sha256)) == (NOTHING, "verified")


def test_B11_what_the_application_uses_stays(web: WebShop, client: FlaskClient, clock: Ticker) -> None:
    used, unused = sent(client, seed=1), sent(client, seed=2)
    clock.tick(days=31)
    assert collect(web, in_use=lambda hashes: {used} & set(hashes)) == Collected(1, 0)
    assert (state(client, used), state(client, unused)) == ("verified", "missing")


@pytest.mark.parametrize("again", ["declared", "sent"])
def test_B11_what_is_declared_or_sent_after_it_was_given_up_is_kept(
    web: WebShop, client: FlaskClient, clock: Ticker, again: str
) -> None:
    sha256 = sent(client)
    clock.tick(days=31)
    collect(web)
    if again == "declared":
        assert push(client, named(sha256)) == "applied"
        assert state(client, sha256) == "missing", "the device sends it"
    assert sent(client) == sha256
    clock.tick(days=20)
    assert (collect(web), state(client, sha256), web.store.has(sha256)) == (NOTHING, "verified", True)


def test_B11_an_upload_that_began_after_it_was_given_up_is_waited_for(
    web: WebShop, client: FlaskClient, clock: Ticker
) -> None:
    content, sha256 = a_photo()
    sent(client)
    clock.tick(days=31)
    collect(web)
    clock.tick(days=8)
    url = begin(client, sha256, len(content)).headers["Location"]
    assert (collect(web), web.store.has(sha256)) == (NOTHING, True)
    patch(client, url, 0, content)
    assert (collect(web), state(client, sha256), web.store.has(sha256)) == (NOTHING, "verified", True)


def declares(client: FlaskClient, sha256: str) -> str:
    """An op that comes late; what the device then hears of the file."""
    assert push(client, named(sha256)) == "applied"
    return state(client, sha256)


def names(client: FlaskClient, sha256: str) -> str:
    """An op nobody can judge."""
    assert push(client, named(sha256, entity="nobody knows")) == "quarantined"
    return state(client, sha256)


def offers(client: FlaskClient, sha256: str) -> str:
    """The file again."""
    return "verified" if "Upload-Expires" not in begin(client, sha256, 5_000).headers else "missing"


@pytest.mark.parametrize("comes", [declares, names, offers])
def test_B11_what_comes_while_a_file_is_being_given_up_waits_and_hears_that_it_is_missing(
    web: WebShop, client: FlaskClient, clock: Ticker, comes: Callable[[FlaskClient, str], str]
) -> None:
    sha256 = sent(client)
    clock.tick(days=31)
    with ThreadPoolExecutor(1) as device:
        with web.shop.unit() as ctx:
            assert collect_undeclared(ctx.session, web.store, ctx.now) == Collected(1, 0)
            late = device.submit(comes, client, sha256)
            wait_for_a_waiter(web.shop)
        assert late.result(10) == "missing"
    clock.tick(days=8)
    collect(web)
    assert sent(client) == sha256
    clock.tick(days=8)
    collect(web)
    assert (state(client, sha256), web.store.has(sha256)) == ("verified", True)


def wait_for_a_waiter(shop: Shop) -> None:
    """Until somebody waits for a lock."""
    pause = threading.Event()
    for _ in range(500):
        with shop.unit() as ctx:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if ctx.session.scalar(text(query)):
                return
        pause.wait(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize(
    ("entity", "told"), [("note", (NOTHING, "verified")), ("nobody knows", (Collected(1, 0), "missing"))]
)
def test_B11_an_op_that_is_under_way_loses_nothing(
    web: WebShop, client: FlaskClient, device_id: UUID, clock: Ticker, entity: str, told: tuple[Collected, str]
) -> None:
    """Who declares is passed by; who only names the file has no result yet, and so has asked for no receipt."""
    sha256 = sent(client)
    clock.tick(days=31)
    with web.shop.unit() as ctx:
        push_batch(web.shop, ctx, web.shop.device(device_id), read_batch(batch(named(sha256, entity=entity))))
        meanwhile = collect(web)
    assert (meanwhile, state(client, sha256)) == told
    assert sent(client) == sha256
