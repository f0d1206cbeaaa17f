"""The wire over real HTTP: envelopes, refusals, compression, the document."""

# ruff: noqa: N802 - tests are named by the rules of SPEC.md

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from uuid_utils.compat import uuid7
from werkzeug.test import TestResponse

from mobile_sync.adapters.tables import sync_device_state
from mobile_sync.link import HttpLink, Refused
from mobile_sync.tablet import Tablet
from mobile_sync.testing import Ticker
from tests.mobile_sync.sample import Shop
from tests.mobile_sync.web import WebShop, make_app, serving


@pytest.fixture
def web(shop: Shop, tmp_path: Path) -> WebShop:
    """The shop with a door."""
    return WebShop(shop, tmp_path)


@pytest.fixture
def device_id(shop: Shop) -> UUID:
    """A device with shelf a."""
    device_id = uuid7()
    shop.scopes[device_id] = {"a"}
    return device_id


@pytest.fixture
def client(web: WebShop, device_id: UUID) -> FlaskClient:
    """Speaks for the device."""
    client = make_app(web).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {device_id}"
    return client


def batch(*ops: Any, **members: Any) -> dict[str, Any]:
    """A push body."""
    return {"schema_version": 1, "sent_at": "2026-07-16T00:00:00.000Z", "monotonic_ms": 1, "ops": list(ops), **members}


def op(op_no: int = 1, **members: Any) -> dict[str, Any]:
    """A sound op."""
    return {
        "op_no": op_no,
        "entity": "note",
        "rec_id": str(uuid7()),
        "kind": "create",
        "base_rev": 0,
        "fields": {"title": "x"},
        "device_at": "2026-07-16T00:00:00.000Z",
        **members,
    }


def test_W1_a_tablet_syncs_over_http(web: WebShop, device_id: UUID, clock: Ticker) -> None:
    with serving(make_app(web)) as address:
        tablet = Tablet(HttpLink(f"{address}/sync/v1/", str(device_id)), clock)
        rec_id = uuid7()
        tablet.create("note", rec_id, {"title": "first"})
        tablet.sync()
        tablet.update("note", rec_id, {"title": "second"})
        tablet.sync()
    assert tablet.replica.docs[f"note/{rec_id}"]["doc"]["title"] == "second"
    assert tablet.replica.mismatched == set()


def test_a_refusal_reaches_the_caller_by_its_code(web: WebShop, shop: Shop, device_id: UUID) -> None:
    shop.revoked.add(device_id)
    with serving(make_app(web)) as address:
        link = HttpLink(f"{address}/sync/v1/", str(device_id))
        with pytest.raises(Refused, match="403 device_revoked"):
            link("pull", {})


def test_W1_bodies_travel_compressed_both_ways(client: FlaskClient) -> None:
    zipped = gzip.compress(json.dumps(batch(*(op(number) for number in range(1, 40)))).encode())
    answered = client.post(
        "/sync/v1/push", data=zipped, headers={"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    )
    assert answered.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answered.data))["expected"] == 40


def told(answered: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answered.mimetype == "application/problem+json"
    return answered.status_code, answered.get_json()["code"]


def test_W2_a_time_without_a_zone_is_refused(client: FlaskClient) -> None:
    answered = client.post("/sync/v1/push", json=batch(sent_at="2026-07-16T00:00:00"))
    assert told(answered) == (422, "malformed")
    assert answered.get_json()["errors"] == [{"field": "sent_at", "reason": "no_zone"}]


@pytest.mark.parametrize("path", ["push", "pull", "snapshot", "blobs/check"])
def test_W4_an_unknown_member_is_refused(client: FlaskClient, path: str) -> None:
    pull = {"epoch": None, "cursors": {}}
    body = {"push": batch(), "pull": pull, "snapshot": pull, "blobs/check": {"hashes": []}}[path]
    answered = client.post(f"/sync/v1/{path}", json={**body, "surprise": 1})
    assert told(answered) == (422, "malformed")
    assert answered.get_json()["errors"] == [{"field": "surprise", "reason": "unknown_field"}]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", (400, "not_json")),
        (b"{", (400, "not_json")),
        (b"[]", (400, "not_json")),
        (b'{"ops": NaN}', (400, "not_json")),
        (b"\xff\xfe", (400, "not_json")),
        (b"[" * 4_000_000, (422, "too_deep")),
        (b" " * (8 * 1024 * 1024 + 1), (413, "too_large")),
        (json.dumps(batch(*({"op_no": number} for number in range(1, 502)))).encode(), (422, "malformed")),
        (json.dumps(batch({"op_no": 1, "fields": json.loads("[" * 40 + "]" * 40)})).encode(), (422, "too_deep")),
        (json.dumps(batch({"entity": "note"})).encode(), (422, "malformed_op")),
        (json.dumps(batch("op")).encode(), (422, "malformed_op")),
        (json.dumps(batch(op(1), op(1))).encode(), (422, "duplicate_op_no")),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value[1],
)
def test_W5_a_body_that_cannot_be_filed_is_refused_whole(
    client: FlaskClient, body: bytes, refusal: tuple[int, str]
) -> None:
    assert told(client.post("/sync/v1/push", data=body)) == refusal
    assert client.post("/sync/v1/push", json=batch()).get_json()["expected"] == 1


def test_W5_a_compression_bomb_is_refused(client: FlaskClient) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    assert told(client.post("/sync/v1/push", data=bomb, headers={"Content-Encoding": "gzip"})) == (413, "too_large")


def test_W7_without_a_token_nothing_is_said(web: WebShop) -> None:
    stranger = make_app(web).test_client()
    for path in ("push", "pull", "snapshot", "blobs/check"):
        assert told(stranger.post(f"/sync/v1/{path}", json={})) == (401, "no_token")


def test_W7_a_revoked_device_cannot_pull_but_its_ops_are_kept(client: FlaskClient, shop: Shop, device_id: UUID) -> None:
    shop.revoked.add(device_id)
    assert told(client.post("/sync/v1/pull", json={})) == (403, "device_revoked")
    result = client.post("/sync/v1/push", json=batch(op())).get_json()["results"][0]
    assert (result["status"], result["problem"]["code"]) == ("quarantined", "device_revoked")


@pytest.mark.parametrize(
    "poison",
    [
        {"fields": {"title": "nul \0"}},
        {"fields": {"title": "half \ud800"}},
        {"fields": {"nul \0": 1}},
        {"fields": {"size": 1e400}},
        {"rec_id": "1"},
        {"kind": "replace"},
        {"base_rev": -1},
        {"base_rev": True},
        {"schema_version": 2**31},
        {"device_at": "yesterday"},
        {"device_at": "0001-01-01T00:00:00+23:00"},
        {"gps": {"lon": 181, "lat": 0, "accuracy_m": 1}},
        {"files": [{"sha256": "x"}]},
        {"depends_on": [2]},
        {"group_no": 1},
        {"surprise": 1},
        {"fields": {f"f{number}": 1 for number in range(201)}},
    ],
    ids=lambda poison: next(iter(poison)),
)
def test_P10_a_broken_op_costs_only_itself_and_is_kept(client: FlaskClient, poison: dict[str, Any]) -> None:
    body = json.dumps(batch(op(1), op(2, **poison), op(3))).replace("Infinity", "1e400")
    answered = client.post("/sync/v1/push", data=body).get_json()
    assert [result["status"] for result in answered["results"]] == ["applied", "quarantined", "applied"]
    assert answered["results"][1]["problem"]["code"] == "malformed"
    again = client.post("/sync/v1/push", data=body).get_json()
    assert again["results"] == answered["results"]


@pytest.mark.parametrize(
    "members",
    [{"rec_id": "01A20210-9625-70E8-A204-D6D0C922C542"}, {"base_rev": 2**53}, {"base_rev": 1.0}],
    ids=["upper case", "too large", "not whole"],
)
def test_W3_ids_and_numbers_have_one_form(client: FlaskClient, members: dict[str, Any]) -> None:
    result = client.post("/sync/v1/push", json=batch(op(**members))).get_json()["results"][0]
    assert result["problem"]["code"] == "malformed"
    assert [error["field"] for error in result["problem"]["errors"]] == list(members)


def test_W6_a_refusal_says_what_and_where(client: FlaskClient) -> None:
    answered = client.post("/sync/v1/push", json={**batch(), "monotonic_ms": "soon"})
    assert answered.get_json() == {
        "status": 422,
        "code": "malformed",
        "params": {},
        "errors": [{"field": "monotonic_ms", "reason": "invalid"}],
    }
    problem = client.post("/sync/v1/push", json=batch(op(kind="swap"))).get_json()["results"][0]["problem"]
    assert problem == {"code": "malformed", "params": {}, "errors": [{"field": "kind", "reason": "not_kind"}]}


def test_W8_an_op_may_be_of_an_older_schema_than_its_batch(client: FlaskClient) -> None:
    body = batch(op(1, schema_version=1), op(2), op(3, schema_version=7), schema_version=2)
    results = client.post("/sync/v1/push", json=body).get_json()["results"]
    assert [result["status"] for result in results] == ["applied", "applied", "quarantined"]


def test_W9_a_report_is_kept_and_changes_no_answer(client: FlaskClient, shop: Shop, device_id: UUID) -> None:
    report = {"app_version": "1.2.3", "queued_ops": 4, "oldest_queued_at": "2026-07-15T00:00:00.000Z"}
    plain = client.post("/sync/v1/pull", json={}).get_json()
    assert client.post("/sync/v1/pull", json={"report": report}).get_json() == plain
    client.post("/sync/v1/push", json=batch(report={**report, "queued_ops": 3}))
    with shop.unit() as ctx:
        kept = ctx.session.scalar(select(sync_device_state.c.report).where(sync_device_state.c.device_id == device_id))
    assert kept == {**report, "queued_ops": 3}
    assert told(client.post("/sync/v1/pull", json={"report": {"mood": "good"}})) == (422, "malformed")


def test_W11_push_and_pull_name_the_same_epoch(client: FlaskClient) -> None:
    pushed = client.post("/sync/v1/push", json=batch(op())).get_json()
    assert pushed["epoch"] == client.post("/sync/v1/pull", json={}).get_json()["epoch"]


@pytest.mark.parametrize("cursor", [-1, 10**9, 1.5, "x", None, True, [1]], ids=repr)
def test_L10_no_cursor_fails(client: FlaskClient, cursor: Any) -> None:
    client.post("/sync/v1/push", json=batch(op()))
    asked = {"epoch": None, "cursors": {"shelf:a": cursor, "shelf:z": cursor}}
    page = client.post("/sync/v1/pull", json=asked).get_json()
    assert page["dropped"] == ["shelf:z"]
    assert page["buckets"][0]["reset"] is True
    assert len(page["changes"]) == 1


def test_every_route_is_in_the_document(web: WebShop) -> None:
    app = make_app(web)
    api = next(iter(app.extensions["flask-smorest"]["apis"].values()))["ext_obj"]
    paths = api.spec.to_dict()["paths"]
    assert {path: sorted(set(methods) - {"parameters"}) for path, methods in paths.items()} == {
        "/sync/v1/push": ["post"],
        "/sync/v1/pull": ["post"],
        "/sync/v1/proof": ["get"],
        "/sync/v1/snapshot": ["post"],
        "/sync/v1/blobs/check": ["post"],
        "/sync/v1/blobs/{sha256}": ["get"],
        "/sync/v1/files": ["options", "post"],
        "/sync/v1/files/{upload_id}": ["delete", "head", "patch"],
    }
    body = paths["/sync/v1/push"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/PushIn"}
    document = api.spec.to_dict()["components"]["schemas"]
    assert "fields" in document["SyncOp"]["properties"]
