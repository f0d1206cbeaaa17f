"""Rules that the simulation made exact, by hand: lives of a server, buckets read in pages, schema versions, purge."""

# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mobile_sync.adapters.purging import purge_exits
from mobile_sync.collection import FieldRule, Policy
from mobile_sync.kept import Kept, KeptFile
from mobile_sync.outbox import Outbox
from mobile_sync.protocol import READING, Bucket
from mobile_sync.sending import in_order
from mobile_sync.settling import settled_push
from mobile_sync.tablet import Tablet
from mobile_sync.testing import MemoryCollection, MemoryServer, Ticker
from mobile_sync.upcast import upcast_patch
from tests.mobile_sync.sample import Shop
from tests.mobile_sync.test_push import codes, statuses
from tests.mobile_sync.worlds import SqlWorld, World


def test_P19_a_batch_of_another_life_is_answered_and_not_run(world: World) -> None:
    tablet = world.tablet("a")
    tablet.create("note", uuid7(), {"title": "known"})
    tablet.push()
    tablet.create("note", uuid7(), {"title": "late"})
    late = tablet.batch([entry.op for entry in tablet.outbox.entries])
    world.restore()
    answer = tablet.post("push", late)
    assert answer["epoch"] != late["epoch"]
    assert (answer["expected"], [result["status"] for result in answer["results"]]) == (2, ["applied"])


def test_P19_the_client_goes_on_in_the_new_life(world: World) -> None:
    tablet = world.tablet("a")
    tablet.create("note", uuid7(), {"title": "one"})
    tablet.sync()
    world.restore()
    tablet.create("note", uuid7(), {"title": "two"})
    tablet.sync()
    assert statuses(tablet) == ["applied", "applied"]
    assert len(tablet.replica.docs) == 2


def test_P14_a_client_without_pending_ops_asks_what_was_forgotten(world: World) -> None:
    tablet = world.tablet("a")
    asked: list[list[Any]] = []
    post = tablet.post

    def watched(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "push":
            asked.append(body["ops"])
        return post(path, body)

    tablet.post = watched
    tablet.create("note", uuid7(), {"title": "one"})
    tablet.sync()
    world.restore()
    tablet.sync()
    assert [len(ops) for ops in asked] == [0, 1, 0]  # in the first life it hears of, in the same, in another


def test_P14_a_client_asks_in_another_life_before_it_sends(clock: Ticker) -> None:
    server, _ = _older_server(clock)
    tablet, pushed = _tablet(server, clock), []
    post, backup, life = tablet.post, server.state.copy(), server.life

    def watched(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "push" and server.life != life:
            pushed.append(body)
        return post(path, body)

    tablet.post = watched
    tablet.create("note", uuid7(), {"title": "kept no longer"})
    for _ in range(3):
        tablet.sync()
        clock.tick(days=31)
    tablet.record(*(tablet.op("create", "note", uuid7(), {"title": "waits"}) for _ in range(2)))
    assert [entry.op_no for entry in tablet.outbox.entries] == [2, 3]
    server.state, server.life = backup, "memory-2"
    tablet.pull()
    tablet.push()
    assert [[op["op_no"] for op in body["ops"]] for body in pushed] == [[], [1, 2]]
    for late in pushed:
        post("push", late)
    assert [len(ops) for ops in server.state.ops.values()] == [2]
    assert statuses(tablet) == ["applied", "applied"]


def test_P20_a_group_longer_than_the_limit_goes_alone_and_whole() -> None:
    group = [{"entity": "note", "rec_id": "x", "kind": "create"}] * 5
    outbox = Outbox().add(*group).add(group[0])
    assert [op["op_no"] for op in outbox.to_send(3)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "fields", [{"a": "x" * 1_100_000}, {"a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}]
)
def test_P20_what_no_server_would_take_is_refused_when_it_is_recorded(world: World, fields: dict[str, Any]) -> None:
    tablet = world.tablet("a")
    with pytest.raises(ValueError, match=r"nested|larger"):
        tablet.create("note", uuid7(), fields)
    assert tablet.outbox.entries == ()


def test_L12_a_bucket_read_in_pages_below_its_low_seq_comes_to_an_end(world: World, shop: Shop) -> None:
    tablet = world.tablet("a")
    for number in range(5):
        world.save(uuid7(), title=f"{number}")
    tablet.pull()
    moved = uuid7()
    world.save(moved, title="moved")
    tablet.pull()
    world.save(moved, shelf="b")
    tablet.pull()
    _forget_exits(world, shop)
    fresh = Tablet(tablet.post, tablet.clock)
    first = fresh.post("pull", {"epoch": None, "cursors": {}, "limit": 2})
    assert [state["seq"] for state in first["buckets"]] == [READING + 2]
    assert fresh.pull(limit=2) == 3
    assert len(fresh.replica.docs) == 5
    assert all(seq < READING for seq in fresh.replica.cursors.values())


def _forget_exits(world: World, shop: Shop) -> None:
    """Every exit there is, whoever may need it."""
    server = getattr(world, "server", None)
    if isinstance(server, MemoryServer):
        for bucket, places in server.state.places.items():
            for key in [key for key, place in places.items() if place.gone]:
                server.state.lows[bucket] = places.pop(key).seq
        return
    with shop.unit() as ctx:
        now = shop.clock() + timedelta(seconds=1)
        assert purge_exits(ctx.session, now, now) == 1


def test_T4_no_exit_is_forgotten_that_a_living_device_needs(shop: Shop, clock: Ticker) -> None:
    world = SqlWorld(shop)
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x")
    tablet.pull()
    clock.tick(days=1)
    world.save(rec_id, shelf="b")
    world.tablet("a").pull()  # another device numbers the exit, ours has not seen it
    clock.tick(days=100)

    def purge(silent: timedelta) -> int:
        with shop.unit() as ctx:
            return purge_exits(ctx.session, clock() - timedelta(days=90), clock() - silent)

    assert purge(silent=timedelta(days=400)) == 0
    assert purge(silent=timedelta(days=30)) == 1
    tablet.pull()
    assert tablet.replica.docs == {}
    with shop.unit() as ctx:
        assert ctx.session.scalar(text("SELECT low_seq > 0 FROM sync_bucket WHERE key = 'shelf:a'"))


def test_T4_no_exit_is_forgotten_that_unsent_work_may_speak_of(shop: Shop, clock: Ticker) -> None:
    world = SqlWorld(shop)
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x")
    tablet.pull()
    tablet.update("note", rec_id, {"title": "not sent for months"})
    clock.tick(days=1)
    world.save(rec_id, shelf="b")
    tablet.pull()
    clock.tick(days=100)
    tablet.pull()  # it has heard of the exit, and its work is still on it

    def purge() -> int:
        with shop.unit() as ctx:
            return purge_exits(ctx.session, clock() - timedelta(days=90), clock() - timedelta(days=400))

    assert purge() == 0
    tablet.push()
    assert statuses(tablet) == ["applied"]
    tablet.pull()
    assert purge() == 1


def test_T4_no_exit_is_forgotten_that_a_device_may_not_have_heard_to_be_none_of_its_own(
    shop: Shop, clock: Ticker
) -> None:
    world = SqlWorld(shop)
    tablet = world.tablet("a")
    rec_id = uuid7()
    world.save(rec_id, title="x")
    tablet.pull()
    world.scope(tablet, "b")
    asked = {**tablet.replica.request([]), "limit": 50}
    tablet.post("pull", asked)  # the answer, which takes the bucket away, is lost
    world.save(rec_id, shelf="c")
    other = world.tablet("a")
    other.pull()
    clock.tick(days=100)
    other.pull()

    def purge() -> int:
        with shop.unit() as ctx:
            return purge_exits(ctx.session, clock() - timedelta(days=90), clock() - timedelta(days=400))

    assert purge() == 0
    tablet.pull()
    assert tablet.replica.docs == {}
    clock.tick(days=1)
    tablet.pull()
    assert purge() == 1


def _named(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    if fields.get("title") == "":
        raise ValueError("a name is never empty")
    return {"name" if field == "title" else field: value for field, value in fields.items()}


def _older_server(clock: Ticker) -> tuple[MemoryServer, MemoryCollection]:
    rules = {"title": FieldRule(Policy.HUMAN), "name": FieldRule(Policy.HUMAN)}
    notes = MemoryCollection("note", rules, lambda _fields: {"shelf:a"})
    return MemoryServer({"note": notes}, clock, uuid7), notes


def _tablet(server: MemoryServer, clock: Ticker) -> Tablet:
    device_id: UUID = uuid7()
    server.scopes[device_id] = [Bucket("shelf:a")]
    return Tablet(server.post(device_id), clock)


def test_W8_an_op_of_an_older_app_is_brought_to_todays_shape(clock: Ticker) -> None:
    server, notes = _older_server(clock)
    tablet, other = _tablet(server, clock), _tablet(server, clock)
    rec_id = uuid7()
    tablet.create("note", rec_id, {"title": "old"})
    tablet.push()
    other.pull()
    notes.schema_versions, notes.upcasters = (2,), {1: _named}
    key = ("note", rec_id)
    server.state.versions[key] = tuple(
        type(one)(one.rev, upcast_patch(one.patch, _named), one.device_id, one.op_no)
        for one in server.state.versions[key]
    )
    server.write("note", rec_id, {"name": "old"})
    other.schema_version = 2  # the app is upgraded while its op waits: the op says under which it was made
    other.update("note", rec_id, {"name": "other"})
    tablet.update("note", rec_id, {"title": "mine"})
    tablet.create("note", uuid7(), {"title": ""})
    tablet.push()
    other.push()
    assert statuses(tablet) == ["applied", "applied", "quarantined"]
    assert codes(tablet) == [None, None, "not_upcast"]
    assert server.state.records[key].fields["name"] == "mine"
    assert statuses(other) == ["conflict"]


def test_M13_a_revision_of_another_life_is_not_taken_for_one_of_this(clock: Ticker) -> None:
    server, _ = _older_server(clock)
    tablet = _tablet(server, clock)
    rec_id = uuid7()
    server.write("note", rec_id, {"title": "shared", "name": "n"})
    tablet.pull()
    backup = server.state.copy()
    server.write("note", rec_id, {"title": "lost"})
    tablet.pull()
    tablet.update("note", rec_id, {"title": "mine", "name": "mine too"})
    server.state, server.life = backup, "memory-2"
    server.write("note", rec_id, {"title": "of this life"})
    tablet.push()
    assert tablet.outbox.entries[0].op["base_rev"] == server.state.records["note", rec_id].rev - 1 == 2
    assert statuses(tablet) == ["conflict"]
    now = server.state.records["note", rec_id].fields
    assert (now["title"], now["name"]) == ("of this life", "mine too")


def test_M13_what_the_device_itself_said_is_its_base_in_another_life_too(clock: Ticker) -> None:
    server, _ = _older_server(clock)
    tablet = _tablet(server, clock)
    rec_id = uuid7()
    tablet.create("note", rec_id, {"title": "mine"})
    tablet.push()
    server.life = "memory-2"
    server.write("note", rec_id, {"title": "mine"})  # the desk says it again; the tablet never pulled it
    tablet.update("note", rec_id, {"title": "mine, later"})
    tablet.push()
    assert (tablet.outbox.entries[1].op["base_rev"], statuses(tablet)[1]) == (0, "applied")


def test_W8_the_version_stands_in_the_op_and_stays(clock: Ticker) -> None:
    server, _ = _older_server(clock)
    tablet = _tablet(server, clock)
    tablet.create("note", uuid7(), {"title": "x"})
    before = tablet.outbox.entries[0].op
    tablet.schema_version = 2
    assert tablet.batch(tablet.outbox.to_send())["ops"] == [before]
    assert before["schema_version"] == 1


PHOTO = KeptFile(5, "image/jpeg", "photo", verified=True)


def _told(epoch: str, server_at: str) -> dict[str, Any]:
    return {"epoch": epoch, "server_at": server_at, "expected": 1, "results": []}


def test_B9_the_server_says_how_long_originals_stay() -> None:
    told = Kept(files={"a": PHOTO}, keep_s=60, life="one")
    kept = settled_push(told, _told("one", "2026-07-16T00:00:00.000Z"))
    assert settled_push(kept, _told("one", "2026-07-16T00:01:00.000Z")).files == kept.files
    assert settled_push(kept, _told("one", "2026-07-16T00:01:00.001Z")).files == {}


def test_B10_small_and_needed_files_go_first() -> None:
    files = {
        "large": KeptFile(900, "image/jpeg", "photo"),
        "gas": KeptFile(5_000, "image/jpeg", "photo"),
        "small": KeptFile(10, "image/jpeg", "photo"),
        "act": KeptFile(50, "application/pdf", "act"),
        "thumb": KeptFile(30, "image/jpeg", "thumb"),
        "signed": KeptFile(9_000, "image/png", "signature"),
        "done": PHOTO,
    }
    order = in_order(files, lambda sha256: 0 if sha256 == "gas" else 1)
    assert order == ["signed", "thumb", "act", "gas", "small", "large"]


def test_B9_a_receipt_is_dated_by_the_server_and_void_in_another_life() -> None:
    kept = settled_push(Kept(files={"a": PHOTO}, life="one"), _told("one", "2026-07-16T00:00:00.000Z"))
    assert kept.files["a"].verified_at == "2026-07-16T00:00:00.000Z"
    week = settled_push(kept, _told("one", "2026-07-23T00:00:00.000Z"))
    assert week.files == kept.files
    assert settled_push(week, _told("one", "2026-07-23T00:00:01.000Z")).files == {}
    assert not settled_push(week, _told("two", "2026-07-24T00:00:00.000Z")).files["a"].verified


def test_B9_a_receipt_of_a_life_that_had_no_name_yet_is_void() -> None:
    kept = settled_push(Kept(files={"a": PHOTO}), _told("two", "2026-07-16T00:00:00.000Z"))
    assert not kept.files["a"].verified
