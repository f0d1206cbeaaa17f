"""Sealed bundles: whoever carries one, its ops count as their device's, once; a broken one changes nothing."""

# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from mobile_sync.__main__ import main
from mobile_sync.adapters.epochs import current_epoch, new_epoch
from mobile_sync.adapters.tables import blob, sync_device_state, sync_op
from mobile_sync.bundle import CHUNK_BYTES, MIME, BundleFile, Header, read_opening
from mobile_sync.device_key import DeviceKey
from mobile_sync.memory.bundles import open_bundle, take_bundle
from mobile_sync.memory.files import MemoryFiles
from mobile_sync.protocol import SyncProblem
from mobile_sync.sealing import ServerKeys, Unsealing, must_be_of, public_jwk, read_receipt, seal, thumbprint
from mobile_sync.sqlite_storage import SqliteStorage
from mobile_sync.tablet import Tablet, file_of
from mobile_sync.testing import Ticker
from mobile_sync.tool.device import LOGIN, SERVER_KEYS
from mobile_sync.unsent import unsent_header, unsent_ops
from mobile_sync.wire import write_time
from tests.mobile_sync.sample import Shop, note
from tests.mobile_sync.web import BundleShop, make_app, serving
from tests.mobile_sync.worlds import MemoryWorld

VECTORS = json.loads((Path(__file__).parents[2] / "mobile_sync" / "conformance" / "bundles.json").read_text("utf-8"))
DAY = datetime(2026, 7, 16, tzinfo=UTC)
SERVER = ServerKeys.derived("the secret of the shop")
KEY = DeviceKey.made()


def header_of(device_id: UUID, ops: list[Any], **more: Any) -> Header:
    """What a device says of these ops."""
    told: dict[str, Any] = {
        "device_id": str(device_id),
        "person_id": None,
        "epoch": None,
        "schema_version": 1,
        "created_at": "2026-07-16T08:00:00.000Z",
        "first_op": ops[0]["op_no"] if ops else 0,
        "last_op": ops[-1]["op_no"] if ops else 0,
        "ops_count": len(ops),
        "ops_size": 0,
        "ops_sha256": "",
        "files": (),
        "to": "",
        "key": {},
    }
    return Header(**{**told, **more})


def bundle_of(header: Header, ops: list[Any], *contents: bytes, key: DeviceKey = KEY, to: ServerKeys = SERVER) -> bytes:
    """The bytes of a bundle."""
    files = tuple(BundleFile(hashlib.sha256(one).hexdigest(), len(one), "image/jpeg", "photo") for one in contents)
    bytes_of = {file.sha256: content for file, content in zip(files, contents, strict=True)}
    whole = replace(header, files=header.files or files)
    return b"".join(seal(whole, json.dumps(ops).encode(), bytes_of.__getitem__, public_jwk(to.seal), key))


def opened(raw: bytes, keys: ServerKeys = SERVER, device: Any = None) -> tuple[Header, list[Any], list[bytes]]:
    """Everything in a bundle, checked to its end, as the server checks it."""
    source = io.BytesIO(raw)
    opening = read_opening(source)
    sealed = Unsealing.begun(opening, source, [keys])
    must_be_of(opening, device or KEY.jwk())
    ops = sealed.ops()
    files = [b"".join(sealed.part(at, one.size, one.sha256)) for at, one in enumerate(opening.header.files, 1)]
    sealed.end()
    return opening.header, ops, files


def an_op(op_no: int, title: str = "x", **more: Any) -> dict[str, Any]:
    """A new note."""
    rec_id = f"018f0000-0000-7000-8000-{op_no:012d}"
    at = "2026-07-16T07:00:00.000Z"
    return {"op_no": op_no, "entity": "note", "rec_id": rec_id, "kind": "create", "base_rev": 0,
            "fields": {"title": title}, "device_at": at, "schema_version": 1, **more}  # fmt: skip


@cache
def small() -> bytes:
    """A bundle of two ops and two small files."""
    ops = [an_op(1), an_op(2)]
    return bundle_of(header_of(UUID(int=7), ops), ops, b"one photo", b"another")


def test_V2_a_bundle_opens_to_what_was_sealed() -> None:
    ops = [an_op(3, "标题"), an_op(4)]
    large = bytes(range(256)) * (CHUNK_BYTES // 256 * 2)
    contents = [b"x", large, large + b"one more"]
    header, inside, files = opened(bundle_of(header_of(UUID(int=7), ops), ops, *contents))
    assert (inside, files) == (ops, contents)
    assert (header.first_op, header.last_op, header.ops_count) == (3, 4, 2)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_V2_whichever_bit_is_flipped_it_is_refused(data: st.DataObject) -> None:
    raw = bytearray(small())
    at = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[at // 8] ^= 1 << (at % 8)
    with pytest.raises(SyncProblem):
        opened(bytes(raw))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(small()) - 1))
def test_V2_wherever_it_ends_too_early_it_is_refused(length: int) -> None:
    with pytest.raises(SyncProblem) as refused:
        opened(small()[:length])
    assert refused.value.code == ("bundle_truncated" if length else "not_a_bundle")


def test_V2_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(SyncProblem, match="broken_seal"):
        opened(small() + b"\0")


@pytest.mark.parametrize("case", [pytest.param(one, id=one["name"]) for one in VECTORS["open"]])
def test_V2_a_bundle_of_either_half_opens_here(case: dict[str, Any]) -> None:
    header, ops, files = opened(
        base64.b64decode(case["bundle"]), ServerKeys.derived(case["server_secret"]), case["device"]
    )
    expected = case["expect"]
    assert {name: getattr(header, name) for name in expected["header"]} == expected["header"]
    assert ops == expected["ops"]
    assert [one.decode() for one in files] == expected["files"]


@pytest.mark.parametrize("case", VECTORS["keys"])
def test_V3_the_keys_follow_from_the_secret(case: dict[str, Any]) -> None:
    keys = ServerKeys.derived(case["secret"])
    assert keys.told() == {"seal": case["seal"], "sign": case["sign"]}
    assert thumbprint(case["seal"]) == case["thumbprint"]


@pytest.fixture
def host(shop: Shop, tmp_path: Path) -> BundleShop:
    """The shop that takes bundles."""
    return BundleShop(shop, tmp_path / "store")


@pytest.fixture
def client(host: BundleShop) -> FlaskClient:
    """At its door."""
    return make_app(host).test_client()


@pytest.fixture
def device_id(host: BundleShop) -> UUID:
    """A device that is known by its key."""
    made = uuid7()
    host.public_keys[made] = KEY.jwk()
    host.shop.scopes[made] = {"a"}
    return made


def deliver(client: FlaskClient, raw: bytes, courier: UUID | None = None) -> Any:
    """Bring a bundle."""
    headers = {"Authorization": f"Bearer {courier or uuid7()}"}
    return client.post("/sync/v1/bundles", data=raw, content_type=MIME, headers=headers)


def push(client: FlaskClient, device_id: UUID, ops: list[Any], **more: Any) -> Any:
    """As the device itself."""
    body = {"schema_version": 1, "sent_at": "2026-07-16T00:00:00Z", "monotonic_ms": 1, "ops": ops, **more}
    answered = client.post("/sync/v1/push", json=body, headers={"Authorization": f"Bearer {device_id}"})
    assert answered.status_code == 200, answered.text
    return answered.get_json()


def rows(shop: Shop) -> tuple[int, int, int]:
    """Ops in the ledger, notes, files."""
    with shop.unit() as ctx:
        counted = [ctx.session.scalar(select(func.count()).select_from(table)) for table in (sync_op, note, blob)]
    return counted[0] or 0, counted[1] or 0, counted[2] or 0


def test_V1_a_bundle_and_a_push_of_the_same_ops_have_the_effect_of_one(
    client: FlaskClient, shop: Shop, device_id: UUID
) -> None:
    ops = [an_op(1), an_op(2), an_op(3, "forbidden")]
    raw = bundle_of(header_of(device_id, ops), ops)
    push(client, device_id, ops[:1])
    first, again = deliver(client, raw).get_json(), deliver(client, raw).get_json()
    assert first["results"] == again["results"] == {"applied": 2, "rejected": 1}
    assert (first["expected"], rows(shop)[:2]) == (4, (3, 2))
    answered = push(client, device_id, [*ops, an_op(4)])
    assert [one["status"] for one in answered["results"]][::3] == ["applied", "applied"]
    assert rows(shop)[:2] == (4, 3)


def test_V5_the_ops_are_the_device_s_own_whoever_brings_them(
    client: FlaskClient, shop: Shop, host: BundleShop, device_id: UUID
) -> None:
    ops = [an_op(1)]
    courier = uuid7()
    answered = deliver(client, bundle_of(header_of(device_id, ops), ops), courier)
    assert answered.get_json()["device_id"] == str(device_id)
    with shop.unit() as ctx:
        assert ctx.session.scalars(select(sync_op.c.device_id)).all() == [device_id]
    assert (host.taken[0].courier.id, host.taken[0].origin.id) == (courier, device_id)  # type: ignore[union-attr]


def test_V5_nothing_arrives_before_it_was_made_whatever_the_clock_says(
    client: FlaskClient, shop: Shop, clock: Ticker, device_id: UUID
) -> None:
    ops = [an_op(1)]
    late = (clock() + timedelta(hours=10)).isoformat()
    deliver(client, bundle_of(header_of(device_id, ops, created_at=late), ops))
    with shop.unit() as ctx:
        error_ms = ctx.session.scalar(select(sync_op.c.clock_error_ms))
    assert error_ms is not None
    assert 36_000_000 - 60_000 <= error_ms <= 36_000_000
    push(client, device_id, [an_op(2)], sent_at=(clock() - timedelta(hours=2)).isoformat())
    deliver(client, bundle_of(header_of(device_id, [an_op(3)], created_at="2020-01-01T00:00:00Z"), [an_op(3)]))
    with shop.unit() as ctx:
        known = ctx.session.scalar(select(sync_device_state.c.clock_error_ms))
    assert known is not None
    assert -7_260_000 <= known <= -7_200_000 + 60_000


def test_V5_ops_of_a_revoked_device_land_in_quarantine_and_its_files_are_kept(
    client: FlaskClient, shop: Shop, device_id: UUID
) -> None:
    shop.revoked.add(device_id)
    file = file_of(b"photo", mime="image/jpeg", kind="photo", slot="s")
    ops = [an_op(1, files=[file])]
    answered = deliver(client, bundle_of(header_of(device_id, ops, epoch="long ago"), ops, b"photo")).get_json()
    assert (answered["results"], answered["files"]) == ({"quarantined": 1}, 1)
    assert rows(shop) == (1, 0, 1)


def tampered(what: str, device_id: UUID) -> tuple[bytes, str]:
    """A bundle with something wrong, and what is said of it."""
    ops = [an_op(1), an_op(2)]
    header = header_of(device_id, ops)
    sound = bundle_of(header, ops, b"photo")
    nested = an_op(1, fields={"a": nest(40)})
    wrong = {
        "no bundle at all": (b"PK\x03\x04 a zip", "not_a_bundle"),
        "nothing": (b"", "not_a_bundle"),
        "a later format": (sound.replace(b'"format":1', b'"format":2'), "bundle_format"),
        "half of it": (sound[: len(sound) // 2], "bundle_truncated"),
        "a photo cut short": (sound[:-3], "bundle_truncated"),
        "another server": (bundle_of(header, ops, to=ServerKeys.derived("another")), "foreign_server"),
        "another device's key": (bundle_of(header, ops, key=DeviceKey.made()), "broken_seal"),
        "an unknown device": (bundle_of(replace(header, device_id=str(UUID(int=9))), ops), "unknown_origin"),
        "a bit of the last file": (sound[:-1] + bytes([sound[-1] ^ 1]), "broken_seal"),
        "something behind it": (sound + b"!", "broken_seal"),
        "a hole in the numbers": (bundle_of(header_of(device_id, [ops[0], an_op(3)], last_op=2), [ops[0], an_op(3)]),
                                  "bundle_gap"),
        "more ops than it says": (bundle_of(header, [*ops, an_op(3)]), "broken_seal"),
        "one that begins too late": (bundle_of(header_of(device_id, [an_op(5)]), [an_op(5)]), "bundle_gap"),
        "another life of the server": (bundle_of(replace(header, epoch="before"), ops), "bundle_epoch"),
        "a nest": (bundle_of(header_of(device_id, [nested]), [nested]), "too_deep"),
    }  # fmt: skip
    return wrong[what]


def nest(depth: int) -> Any:
    """Lists in lists."""
    return [] if depth == 0 else [nest(depth - 1)]


@pytest.mark.parametrize(
    "what",
    [
        *("no bundle at all", "nothing", "a later format", "half of it", "a photo cut short", "another server"),
        *("another device's key", "an unknown device", "a bit of the last file", "something behind it"),
        *("a hole in the numbers", "more ops than it says", "one that begins too late", "another life of the server"),
        "a nest",
    ],
)
def test_V4_what_is_wrong_with_a_bundle_is_said_and_changes_nothing(
    client: FlaskClient, shop: Shop, host: BundleShop, device_id: UUID, what: str
) -> None:
    raw, code = tampered(what, device_id)
    answered = deliver(client, raw)
    assert (answered.status_code in (409, 422), answered.get_json()["code"]) == (True, code)
    assert rows(shop) == (0, 0, 0)
    assert host.taken == []
    assert not any(host.partial.root.glob("bundle-*"))


def test_V4_an_op_that_cannot_be_read_costs_only_itself(client: FlaskClient, device_id: UUID) -> None:
    ops = [an_op(1), {"op_no": 2}, an_op(3)]
    answered = deliver(client, bundle_of(header_of(device_id, ops), ops)).get_json()
    assert answered["results"] == {"applied": 2, "quarantined": 1}


def test_V4_a_revoked_device_delivers_only_its_own(client: FlaskClient, shop: Shop, device_id: UUID) -> None:
    ops = [an_op(1)]
    raw = bundle_of(header_of(device_id, ops), ops)
    courier = uuid7()
    shop.revoked.add(courier)
    assert deliver(client, raw, courier).status_code == 403
    assert rows(shop) == (0, 0, 0)
    shop.revoked.add(device_id)
    assert deliver(client, raw, device_id).get_json()["results"] == {"quarantined": 1}


def test_V6_an_earlier_bundle_comes_first_and_then_the_later_one(client: FlaskClient, device_id: UUID) -> None:
    first, second = ([an_op(1), an_op(2)], [an_op(3)])
    later = bundle_of(header_of(device_id, second), second)
    refused = deliver(client, later)
    assert (refused.status_code, refused.get_json()["params"]) == (409, {"expected": 1, "first_op": 3})
    assert deliver(client, bundle_of(header_of(device_id, first), first)).status_code == 200
    assert deliver(client, later).get_json()["expected"] == 4


def test_V7_what_is_known_already_is_answered_in_another_life_too(
    client: FlaskClient, shop: Shop, device_id: UUID
) -> None:
    ops = [an_op(1)]
    epoch = push(client, device_id, ops)["epoch"]
    raw = bundle_of(header_of(device_id, ops, epoch=epoch), ops)
    more = bundle_of(header_of(device_id, [*ops, an_op(2)], epoch=epoch), [*ops, an_op(2)])
    with shop.unit() as ctx:
        new_epoch(ctx.session)
    assert deliver(client, raw).get_json()["results"] == {"applied": 1}
    assert deliver(client, more).get_json()["code"] == "bundle_epoch"


class Courier:
    """A tablet's bundles, brought to the shop in memory."""

    def __init__(self, world: MemoryWorld, tablet: Tablet) -> None:
        self.world, self.tablet = world, tablet
        self.files = MemoryFiles(world.server)

    def sealed(self) -> Any:
        """What it has not sent."""
        kept, made = self.tablet.kept, write_time(self.world.clock())
        ops = unsent_ops(kept)
        header = unsent_header(kept, str(self.world.devices[id(self.tablet)]), None, 1, made, ops, ())
        return json.loads(open_bundle(header, ops, lambda _sha256: b""))

    def brings(self, bundle: Any) -> Any:
        """The receipt's claims."""
        return take_bundle(self.world.server, self.files, uuid7(), bundle)


def test_V11_a_bundle_made_before_the_tablet_has_asked_in_another_life_is_of_the_life_before(clock: Ticker) -> None:
    """Its numbers are given to other ops there (P15); in the name of the new life some ops would be taken twice."""
    world = MemoryWorld(clock)
    backup = world.server.state.copy()
    tablet = world.tablet("a")
    courier = Courier(world, tablet)
    for title in ("one", "two"):
        tablet.create("note", uuid7(), {"title": title})
    tablet.sync()
    clock.tick(days=31)
    tablet.pull()
    assert tablet.outbox.entries == ()
    for title in ("three", "four"):
        tablet.create("note", uuid7(), {"title": title})
    world.server.state = backup
    world.restore()
    tablet.pull()
    early = courier.sealed()
    tablet.push()
    with pytest.raises(SyncProblem, match="bundle_epoch"):
        courier.brings(early)
    tablet.create("note", uuid7(), {"title": "five"})
    courier.brings(courier.sealed())
    tablet.push()
    told = [received.op.fields["title"] for received, _ in world.server.state.ops[world.devices[id(tablet)]].values()]
    assert told == ["three", "four", "five"]


def test_V8_a_receipt_says_nothing_new_of_an_op_that_has_a_result(clock: Ticker) -> None:
    world = MemoryWorld(clock)
    tablet = world.tablet("a")
    courier = Courier(world, tablet)
    tablet.create("note", uuid7(), {"title": "one"})
    tablet.pull()
    claims = courier.brings(courier.sealed())
    tablet.push()
    known = tablet.kept
    clock.tick(days=1)
    assert tablet.take_receipt({**claims, "server_at": write_time(clock())})
    assert tablet.kept == known


def test_V8_what_a_receipt_settles_is_kept_thirty_days_of_the_server_s_clock(clock: Ticker) -> None:
    world = MemoryWorld(clock)
    tablet = world.tablet("a")
    courier = Courier(world, tablet)
    tablet.pull()
    tablet.clock = lambda: DAY - timedelta(days=14 * 365)
    tablet.create("note", uuid7(), {"title": "one"})
    assert tablet.take_receipt(courier.brings(courier.sealed()))
    for days, kept in ((29, 1), (2, 0)):
        clock.tick(days=days)
        tablet.pull()
        assert len(tablet.outbox.entries) == kept


def test_V8_the_receipt_tells_a_courier_nothing_of_what_is_inside(client: FlaskClient, device_id: UUID) -> None:
    ops = [an_op(1, "a name that is nobody's business"), {**an_op(2), "rec_id": an_op(1)["rec_id"], "kind": "update"}]
    answered = deliver(client, bundle_of(header_of(device_id, ops), ops, b"photo"))
    claims = read_receipt(answered.get_json()["receipt"], public_jwk(SERVER.sign))
    assert (claims["device_id"], claims["expected"]) == (str(device_id), 3)
    assert all(set(result) == {"op_no", "status", "rev"} for result in claims["results"])
    assert claims["files"] == [hashlib.sha256(b"photo").hexdigest()]
    assert "nobody" not in answered.text + json.dumps(claims)


@pytest.mark.parametrize("case", VECTORS["receipts"])
def test_V8_a_receipt_is_believed_only_as_its_server_wrote_it(case: dict[str, Any]) -> None:
    assert read_receipt(case["text"], case["sign"]) == case["claims"]
    head, payload, signature = case["text"].split(".")
    for wrong in (f"{head}.{payload[:-4]}AAAA.{signature}", f"{head}.{payload}.{'A' * 86}", "", "a.b", "a.b.c"):
        with pytest.raises(ValueError):
            read_receipt(wrong, case["sign"])
    with pytest.raises(ValueError):
        read_receipt(case["text"], public_jwk(SERVER.seal))


def test_V9_a_file_that_can_never_be_kept_costs_only_itself(
    client: FlaskClient, shop: Shop, host: BundleShop, device_id: UUID
) -> None:
    answered = deliver(client, bundle_of(header_of(device_id, []), [], b"MZ a program", b"a photo")).get_json()
    program = hashlib.sha256(b"MZ a program").hexdigest()
    assert answered["refused_files"] == [{"sha256": program, "code": "not_a_photo"}]
    assert (answered["files"], [one.device_id for one in host.verified]) == (1, [device_id])
    assert rows(shop) == (0, 0, 1)
    assert not any(host.partial.root.iterdir())


def given_tablet_file(path: Path, address: str, device_id: UUID) -> None:
    """The state of a device that has enrolled with a key of its own."""
    login = {"server": f"{address}/sync/v1/", "token": str(device_id), "schema_version": 1,
             "device_id": str(device_id), "key": KEY.pem(), "refresh_token": "", "person_id": None}  # fmt: skip
    with SqliteStorage(path) as storage:
        storage.note(LOGIN, login)
        storage.note(SERVER_KEYS, dict(SERVER.told()))


def test_V1_work_travels_by_another_device_and_its_receipt_comes_back(
    host: BundleShop, device_id: UUID, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    courier = uuid7()
    photo = file_of(b"photo", mime="image/jpeg", kind="photo", slot="s")
    with serving(make_app(host)) as address:
        given_tablet_file(tmp_path / "far", "http://127.0.0.1:9", device_id)
        given_tablet_file(tmp_path / "near", address, courier)
        with SqliteStorage(tmp_path / "far") as storage:
            tablet = Tablet(lambda _path, _body: {}, Ticker(DAY), storage=storage)
            op = tablet.op("create", "note", uuid7(), {"title": "far away"}, files=[photo])
            tablet.record(op, contents={photo["sha256"]: b"photo"})
            tablet.create("note", uuid7(), {"title": "forbidden"})
            assert [one["op_no"] for one in unsent_ops(tablet.kept)] == [1, 2]
        bundle, receipt = str(tmp_path / "work.msb"), str(tmp_path / "receipt")
        assert main(["bundle", "export", "--state", str(tmp_path / "far"), bundle]) == 2
        assert "has not heard from its server" in capsys.readouterr().err
        with SqliteStorage(tmp_path / "far") as storage, host.shop.unit() as ctx:
            tablet = Tablet(lambda _path, _body: {}, Ticker(DAY), storage=storage)
            tablet._keep(replace(tablet.kept, life=current_epoch(ctx.session)))
        assert main(["bundle", "export", "--state", str(tmp_path / "far"), bundle]) == 0
        assert json.loads(capsys.readouterr().out)["files"] == 1
        assert main(["bundle", "import", "--state", str(tmp_path / "near"), bundle, "--receipt", receipt]) == 0
        told = json.loads(capsys.readouterr().out)
    assert (told["results"], told["files"]) == ({"applied": 1, "rejected": 1}, 1)
    assert main(["bundle", "receipt", "--state", str(tmp_path / "far"), receipt]) == 1
    status = json.loads(capsys.readouterr().out)
    assert (status["results"], status["files_missing"]) == ({"applied": 1, "pending": 1}, 0)
    assert main(["bundle", "receipt", "--state", str(tmp_path / "near"), receipt]) == 2
    assert "another device" in capsys.readouterr().err
