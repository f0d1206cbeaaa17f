"""Every route with what is sent to it, as if one had a right to it, and what an answer gives away."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import MetaData, Table, func, select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.tables import ALL_METADATA
from tests.api.town import Town
from tests.factories import CENTRE, Client
from tests.sync.field import TUS

CANARY = "CANARYTOWN"

# Anybody may have these: they show no data.
OPEN = {
    "/",
    "/api/docs",
    "/api/docs/<path:name>",
    "/api/openapi.json",
    "/ogc/api",
    "/desk/",
    "/desk/<path:screen>",
    "/crew/",
    "/crew/<path:screen>",
    "/crew/sw.js",
    "/outages",
    "/outages/style.css",
    "/ui/<path:name>",
    "/health/live",
    "/health/ready",
    "/metrics",
}
# Doors where one signs in. What they refuse is told in tests/identity; here they must not answer a stranger's guess.
SIGNING_IN = {
    "/api/v1/session",
    "/api/v1/tokens",
    "/api/v1/tokens/refresh",
    "/sync/v1/enrol",
    "/sync/v1/session",
    "/sync/v1/session/login",
    "/sync/v1/erased",
}


@dataclass(frozen=True)
class Try:
    """How to use a route as if one had a right to it. `{name}` in texts stands for the town's own things."""

    query: str = ""
    body: dict[str, Any] | None = None
    headers: dict[str, str] | None = None
    allowed: tuple[int, ...] = (401, 403, 404)
    told_back: tuple[str, ...] = ()  # what the question holds and the answer may repeat


EMPTY = (200, 401, 403, 404)  # a list of the stranger's own, which holds nothing of the town


def requests_to(town: Town) -> dict[tuple[str, str], list[Try]]:
    """What is sent to each route, by method and rule."""
    lon, lat = CENTRE
    ids = town.ids
    uploads = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    metadata = {**TUS, "Upload-Length": "10", "Upload-Metadata": "sha256 YQ==,mime YQ==,kind YQ=="}
    push = {"schema_version": 1, "sent_at": "2026-07-16T00:00:00Z", "monotonic_ms": 1, "ops": [op_on(town)]}
    buckets = [f"crew:{ids['crew_id']}", f"catalog:{ids['branch_id']}", f"user:{ids['person_id']}"]
    buckets.append(f"region:{ids['place_id']}")
    named = (
        ids["crew_id"],
        ids["branch_id"],
        ids["person_id"],
        ids["place_id"],
    )  # buckets that are not the tablet's are named as such
    pull = {"epoch": None, "cursors": {**dict.fromkeys(buckets, 0), f"live:{ids['branch_id']}": 0}}
    call = {"symptom": "no_supply", "location": {"type": "Point", "coordinates": [lon, lat]}}
    fix = {"location": call["location"], "at": "2026-07-16T00:00:00Z"}
    visit = {
        "crew_id": ids["crew_id"],
        "planned_start": "2026-07-16T01:00:00Z",
        "planned_end": "2026-07-16T02:00:00Z",
    }
    person = {"branch_id": ids["branch_id"], "staff_no": "X", "name": "x", "name_en": "x"}
    settled = {"conflicts": [{"id": ids["conflict_id"], "rev": 1}], "take": "theirs"}
    own = (*EMPTY, 422)
    return {
        ("GET", "/api/v1/me"): [Try(allowed=EMPTY)],
        ("PATCH", "/api/v1/me"): [Try(body={"locale": "en"}, allowed=EMPTY)],
        ("GET", "/api/v1/me/gis-keys"): [Try(allowed=EMPTY)],
        ("POST", "/api/v1/me/gis-keys"): [Try(body={"name": "x", "days": 0}, allowed=(401, 403, 422))],
        ("DELETE", "/api/v1/me/gis-keys/<uuid:gis_key_id>"): [Try()],
        ("GET", "/ogc"): [Try(allowed=EMPTY)],
        ("GET", "/ogc/conformance"): [Try(allowed=EMPTY)],
        ("GET", "/ogc/collections"): [Try(allowed=EMPTY)],
        ("GET", "/ogc/collections/<string:collection_id>"): [Try(allowed=EMPTY)],
        ("GET", "/ogc/collections/<string:collection_id>/items"): [
            Try(allowed=EMPTY),
            Try("f=html", allowed=EMPTY),
            Try(f"bbox={lon - 1},{lat - 1},{lon + 1},{lat + 1}", allowed=EMPTY),
        ],
        ("GET", "/ogc/collections/<string:collection_id>/items/<uuid:feature_id>"): [Try(), Try("f=html")],
        ("GET", "/api/v1/people"): [Try(allowed=EMPTY), Try(f"q={CANARY}", allowed=EMPTY)],
        ("POST", "/api/v1/people"): [Try(body=person)],
        ("PATCH", "/api/v1/people/<uuid:person_id>"): [Try(body={"name": "x"}), Try(body={"password": "x" * 12})],
        ("POST", "/api/v1/people/<uuid:person_id>/grants"): [Try(body={"role": "admin"})],
        ("DELETE", "/api/v1/people/<uuid:person_id>/grants/<uuid:grant_id>"): [Try()],
        ("GET", "/api/v1/devices"): [Try(allowed=EMPTY)],
        ("POST", "/api/v1/devices/enrolment-codes"): [Try(body={"name": "x", "branch_id": ids["branch_id"]})],
        ("POST", "/api/v1/devices/<uuid:device_id>/revoke"): [Try(body={})],
        ("GET", "/api/v1/audit"): [Try(allowed=EMPTY)],
        ("GET", "/api/v1/premises/<uuid:premises_id>"): [Try()],
        ("GET", "/api/v1/premises"): [Try(f"near={lon},{lat}&radius_m=500", allowed=own)],
        ("GET", "/api/v1/parties"): [Try(f"phone={town.phone}", allowed=EMPTY)],
        ("POST", "/api/v1/crews/<uuid:crew_id>/positions"): [Try(body=fix)],
        ("GET", "/api/v1/crews/<uuid:crew_id>/regions"): [Try()],
        ("PUT", "/api/v1/crews/<uuid:crew_id>/regions"): [
            Try(body={"place_ids": []}),
            Try(body={"place_ids": [ids["place_id"]]}),
        ],
        ("GET", "/api/v1/calls"): [
            Try(f"phone={town.phone}", allowed=EMPTY),
            Try(f"outage_id={ids['outage_id']}", allowed=own),
            Try(f"premises_id={ids['premises_id']}", allowed=own),
        ],
        ("POST", "/api/v1/calls"): [
            Try(body=call, allowed=(401, 403, 404, 422)),
            Try(body={**call, "premises_id": ids["premises_id"]}, allowed=(401, 403, 404, 422)),
            Try(body={**call, "join": ids["outage_id"]}, allowed=(401, 403, 404, 422)),
        ],
        ("GET", "/api/v1/jobs"): [
            Try(allowed=EMPTY),
            Try(f"q={CANARY}", allowed=EMPTY),
            Try(f"outage_id={ids['outage_id']}", allowed=EMPTY),
            Try(f"crew_id={ids['crew_id']}", allowed=EMPTY),
        ],
        ("GET", "/api/v1/jobs.csv"): [Try(allowed=EMPTY)],
        ("GET", "/api/v1/jobs/<uuid:job_id>"): [Try()],
        ("PATCH", "/api/v1/jobs/<uuid:job_id>"): [Try(body={"note": "x"}, headers={"If-Match": "*"})],
        ("POST", "/api/v1/jobs/<uuid:job_id>/transitions"): [Try(body={"to": "accepted"})],
        ("GET", "/api/v1/jobs/<uuid:job_id>/timeline"): [Try()],
        ("GET", "/api/v1/jobs/<uuid:job_id>/attachments"): [Try()],
        ("GET", "/api/v1/jobs/<uuid:job_id>/candidates"): [Try()],
        ("POST", "/api/v1/jobs/<uuid:job_id>/assignments"): [Try(body={"crew_id": ids["crew_id"]})],
        ("GET", "/api/v1/jobs/<uuid:job_id>/proposal"): [Try()],
        ("POST", "/api/v1/jobs/<uuid:job_id>/proposal"): [Try(body={"crew_id": ids["crew_id"]})],
        ("POST", "/api/v1/jobs/<uuid:job_id>/visits"): [Try(body=visit)],
        ("POST", "/api/v1/assignments/<uuid:assignment_id>/move"): [Try(body=visit)],
        ("POST", "/api/v1/assignments/<uuid:assignment_id>/withdraw"): [Try(body={})],
        ("POST", "/api/v1/plans"): [Try(body={"branch_id": ids["branch_id"], "day": "2026-07-17"})],
        ("GET", "/api/v1/plans"): [Try(f"branch_id={ids['branch_id']}&day=2026-07-17")],
        ("GET", "/api/v1/plans/<uuid:plan_id>"): [Try()],
        ("POST", "/api/v1/plans/<uuid:plan_id>/stop"): [Try(body={}), Try(body={"keep": True})],
        ("POST", "/api/v1/plans/<uuid:plan_id>/accept"): [Try(body={}), Try(body={"job_ids": [ids["job_id"]]})],
        ("GET", "/api/v1/deadlines"): [Try(allowed=EMPTY), Try("show=missed", allowed=EMPTY)],
        ("POST", "/api/v1/deadline-alerts/<uuid:deadline_alert_id>/take"): [Try(body={})],
        ("POST", "/api/v1/deadline-alerts/<uuid:deadline_alert_id>/hand-on"): [Try(body={})],
        ("GET", "/api/v1/jobs/<uuid:job_id>/deadlines"): [Try()],
        ("POST", "/api/v1/jobs/<uuid:job_id>/deadlines/pause"): [Try(body={"cause": "customer"})],
        ("POST", "/api/v1/jobs/<uuid:job_id>/deadlines/resume"): [Try(body={})],
        ("POST", "/api/v1/jobs/<uuid:job_id>/deadlines/<string:deadline_code>/deviation"): [Try(body={"reason": "x"})],
        ("GET", "/api/v1/crew-alerts"): [Try(allowed=EMPTY)],
        ("POST", "/api/v1/crew-alerts/<uuid:alert_id>/take"): [Try(body={})],
        ("POST", "/api/v1/crew-alerts/<uuid:alert_id>/send"): [Try(body={"crew_id": ids["crew_id"]})],
        ("GET", "/api/v1/board"): [
            Try(allowed=EMPTY),
            Try(f"branch_id={ids['branch_id']}"),
            Try(f"job_id={ids['job_id']}", allowed=EMPTY),
        ],
        ("GET", "/api/v1/attachments/<uuid:attachment_id>/content"): [Try()],
        ("GET", "/api/v1/attachments/<uuid:attachment_id>/thumbnail"): [Try()],
        ("GET", "/api/v1/outages"): [Try(allowed=EMPTY), Try("state=open", allowed=EMPTY)],
        ("GET", "/api/v1/outages/causes"): [Try(f"branch_id={ids['branch_id']}")],
        ("POST", "/api/v1/outages/<uuid:outage_id>/merges"): [Try(body={"outage_ids": [ids["outage_id"]]})],
        ("POST", "/api/v1/outages/<uuid:outage_id>/unmerges"): [Try(body={"outage_ids": [ids["outage_id"]]})],
        ("GET", "/api/v1/outages/<uuid:outage_id>"): [Try()],
        ("GET", "/api/v1/calls/triage"): [Try(f"premises_id={ids['premises_id']}&symptom=no_supply")],
        ("GET", "/api/v1/outages/<uuid:outage_id>/supply"): [Try()],
        ("POST", "/api/v1/outages/<uuid:outage_id>/confirmation"): [
            Try(body={"cause": "storm", "node_id": ids["node_id"]}),
            Try(body={"cause": "storm", "link_id": ids["link_id"]}),
        ],
        ("POST", "/api/v1/outages/<uuid:outage_id>/confirmation/withdrawal"): [Try(body={})],
        ("POST", "/api/v1/outages/<uuid:outage_id>/stages"): [
            Try(body={"at": "2026-07-16T00:00:00Z", "scope": "rest", "reason": "x"}),
            Try(body={"at": "2026-07-16T00:00:00Z", "node_id": ids["node_id"]}),
        ],
        ("POST", "/api/v1/outages/<uuid:outage_id>/estimates"): [Try(body={"expected_at": "2099-01-01T00:00:00Z"})],
        ("GET", "/api/v1/outages/<uuid:outage_id>/affected"): [Try(), Try("side=out")],
        ("GET", "/api/v1/outages/<uuid:outage_id>/affected.csv"): [Try()],
        ("POST", "/api/v1/outages/<uuid:outage_id>/affected/<uuid:account_id>/contacts"): [
            Try(body={"answer": "called"})
        ],
        ("GET", "/api/v1/outages/<uuid:outage_id>/notices"): [Try()],
        ("GET", "/api/v1/outages/<uuid:outage_id>/notices/overview"): [Try()],
        ("POST", "/api/v1/notices/<uuid:notice_id>/retry"): [Try(body={})],
        ("GET", "/api/v1/network/supply"): [
            Try(f"way=down&node_id={ids['node_id']}"),
            Try(f"way=up&link_id={ids['link_id']}"),
        ],
        ("GET", "/api/v1/network/between"): [Try(f"node_id={ids['node_id']}&to_node_id={ids['node_id']}")],
        ("GET", "/api/v1/network/isolation"): [Try(f"link_id={ids['link_id']}")],
        ("GET", "/api/v1/network/nodes/<uuid:node_id>"): [Try()],
        ("GET", "/api/v1/network/links/<uuid:link_id>"): [Try()],
        ("POST", "/api/v1/network/links/<uuid:link_id>/switching"): [Try(body={"move": "open"})],
        ("POST", "/api/v1/network/switching/<uuid:switching_id>/undo"): [Try(body={})],
        ("PUT", "/api/v1/network/links/<uuid:link_id>/condition"): [Try(body={"usable": False})],
        ("GET", "/api/v1/network/switching"): [Try(allowed=EMPTY), Try(f"link_id={ids['link_id']}", allowed=EMPTY)],
        ("GET", "/api/v1/crews"): [Try(allowed=EMPTY)],
        ("GET", "/api/v1/crews/<uuid:crew_id>"): [Try()],
        ("GET", "/api/v1/search"): [
            Try(f"q={text}", allowed=EMPTY) for text in (CANARY, f"{CANARY}-PARTY", town.phone, "canary")
        ],
        ("GET", "/api/v1/conflicts"): [
            Try(allowed=EMPTY),
            Try("state=settled", allowed=EMPTY),
            Try(f"job_id={ids['job_id']}", allowed=EMPTY),
        ],
        ("POST", "/api/v1/conflicts/settlements"): [Try(body=settled)],
        ("PUT", "/api/v1/conflicts/<uuid:conflict_id>/owner"): [Try(body={"person_id": None})],
        ("POST", "/api/v1/conflicts/<uuid:conflict_id>/acknowledgement"): [Try()],
        ("GET", "/api/v1/conflicts/<uuid:conflict_id>/owners"): [Try()],
        ("GET", "/api/v1/jobs/<uuid:job_id>/history"): [Try()],
        ("GET", "/api/v1/fleet"): [
            Try(allowed=EMPTY),
            Try(f"q={CANARY}", allowed=EMPTY),
            Try(f"crew_id={ids['crew_id']}", allowed=EMPTY),
        ],
        ("GET", "/api/v1/fleet.csv"): [Try(allowed=EMPTY)],
        ("GET", "/api/v1/fleet/<uuid:device_id>"): [Try()],
        ("GET", "/api/v1/fleet/<uuid:device_id>/incidents"): [Try()],
        ("GET", "/api/v1/fleet/<uuid:device_id>/ops"): [Try(), Try("state=decided")],
        ("POST", "/api/v1/fleet/<uuid:device_id>/ops/<int:op_no>/replay"): [Try(body={}, headers={"If-Match": "*"})],
        ("POST", "/api/v1/fleet/<uuid:device_id>/ops/<int:op_no>/repair"): [
            Try(body={"fields": {"note": "taken over"}, "reason": "x"}, headers={"If-Match": "*"})
        ],
        ("POST", "/api/v1/fleet/<uuid:device_id>/ops/<int:op_no>/refuse"): [
            Try(body={"reason": "x"}, headers={"If-Match": "*"})
        ],
        ("GET", "/api/v1/streets/isochrones"): [Try(f"branch_id={ids['branch_id']}&near={lon},{lat}")],
        ("POST", "/api/v1/streets/matrix"): [
            Try(body={"branch_id": ids["branch_id"], "sources": [[lon, lat]], "targets": [[lon, lat]]})
        ],
        ("GET", "/api/v1/reliability"): [Try(f"branch_id={ids['branch_id']}")],
        ("GET", "/api/v1/reliability.csv"): [Try(f"branch_id={ids['branch_id']}")],
        ("GET", "/api/v1/map/features"): [Try("layers=jobs,crews,outages", allowed=EMPTY)],
        ("GET", "/api/v1/tiles/<string:layer>/<int:z>/<int:x>/<int:y>.mvt"): [Try(allowed=EMPTY)],
        ("POST", "/sync/v1/push"): [Try(body=push, allowed=EMPTY)],
        ("GET", "/sync/v1/keys"): [Try(allowed=EMPTY)],
        ("POST", "/sync/v1/bundles"): [Try(allowed=(401, 403, 415))],
        ("POST", "/sync/v1/pull"): [Try(body=pull, allowed=EMPTY, told_back=named)],
        ("GET", "/sync/v1/proof"): [Try("day=2026-07-15", allowed=EMPTY)],
        ("POST", "/sync/v1/snapshot"): [Try(body=pull, allowed=EMPTY, told_back=named)],
        ("POST", "/sync/v1/blobs/check"): [
            Try(body={"hashes": [ids["sha256"]]}, allowed=EMPTY, told_back=(ids["sha256"],))
        ],
        ("GET", "/sync/v1/blobs/<sha256>"): [Try()],
        ("OPTIONS", "/sync/v1/files"): [Try(allowed=(204,))],
        ("POST", "/sync/v1/files"): [Try(headers=metadata, allowed=(401, 403, 404, 422))],
        ("HEAD", "/sync/v1/files/<uuid:upload_id>"): [Try(headers=TUS)],
        ("PATCH", "/sync/v1/files/<uuid:upload_id>"): [Try(headers=uploads)],
        ("DELETE", "/sync/v1/files/<uuid:upload_id>"): [Try(headers=TUS)],
    }


def op_on(town: Town) -> dict[str, Any]:
    """A tablet's change of a job that is not its own."""
    return {
        "op_no": 2,
        "entity": "job",
        "rec_id": town.ids["job_id"],
        "kind": "update",
        "base_rev": 1,
        "fields": {"note": "taken over"},
        "device_at": "2026-07-16T00:00:00Z",
    }


def ways(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Every method of every route that is not open to anyone anyway."""
    for rule in app.url_map.iter_rules():
        if rule.rule in OPEN | SIGNING_IN:
            continue
        methods = set(rule.methods or ()) - {"OPTIONS", "HEAD"}
        if rule.rule.startswith("/sync/v1/files"):
            methods = set(rule.methods or ()) - ({"OPTIONS"} if "upload_id" in rule.rule else {"HEAD"})
        yield from ((method, rule) for method in sorted(methods))


def walk(
    app: Flask, town: Town, client: Client, headers: dict[str, str], *, only: set[str] | None = None
) -> Iterator[tuple[str, Try, TestResponse]]:
    """Use every route (or those of the methods named) with the town's own things; the tile layers one by one."""
    tries = requests_to(town)
    for method, rule in ways(app):
        for attempt in tries[method, rule.rule] if only is None or method in only else []:
            for address in addresses(rule, town):
                answer = client.open(
                    address,
                    method=method,
                    query_string=attempt.query,
                    json=attempt.body,
                    headers={**headers, **(attempt.headers or {})},
                )
                yield f"{method} {address}?{attempt.query}", attempt, answer


def addresses(rule: Rule, town: Town) -> list[str]:
    """The rule with the town's own ids in it."""
    layers = ["places", "streets", "power", "gas", "premises", "jobs", "crews", "outages"]
    found = []
    for layer in layers if "layer" in rule.arguments else [""]:
        values = {**town.ids, "layer": layer}
        text = rule.rule
        for name in rule.arguments:
            converter = next(part for part in ("<uuid:", "<string:", "<int:", "<") if f"{part}{name}>" in text)
            text = text.replace(f"{converter}{name}>", values[name])
        found.append(text)
    return found


def spoken(answer: TestResponse) -> str:
    """Everything an answer says: body and headers."""
    body = answer.data
    if answer.headers.get("Content-Encoding") == "gzip" or body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    return body.decode("utf-8", "replace") + str(answer.headers)


def leaks(town: Town, answer: TestResponse, address: str, told_back: tuple[str, ...] = ()) -> list[str]:
    """The town's marks in an answer, apart from those that were in the question."""
    said = spoken(answer)
    return [mark for mark in town.marks if mark in said and mark not in address and mark not in told_back]


def census(session: Session) -> dict[str, int]:
    """Rows by table, without those that any login leaves behind."""
    own = {"session", "audit_entry", "idempotency_key", "login_throttle"}
    session.expire_all()
    tables: list[Table] = [table for metadata in ALL_METADATA for table in metadata_tables(metadata)]
    return {
        table.name: session.scalar(select(func.count()).select_from(table)) or 0
        for table in tables
        if table.name not in own and not table.name.startswith("sync_")
    }


def metadata_tables(metadata: MetaData) -> list[Table]:
    return list(metadata.sorted_tables)
