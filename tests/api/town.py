"""A branch with one row of every kind that has a door, each marked, so that a leak can be seen in any answer."""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from shapely.geometry import Point
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.customers.models import NoticeChannel, Party, Premises
from app.deadlines.models import DeadlineAlert, Stage
from app.dispatch.models import AlertKind, CrewAlert
from app.identity.models import Branch, Person, Role, RoleGrant
from app.jobs.models import Job
from app.kernel.actor import SYSTEM
from app.kernel.blobs import Blobs
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.media.models import AttachmentKind
from app.notices import service as notices
from app.notices.models import Notice
from app.planning.models import Change, Plan, PlanState, PlanStop
from mobile_sync.adapters.tables import sync_conflict
from tests.factories import CENTRE, Client, Tablet, given_branch, given_person, given_tablet, signed_in
from tests.factories_field import (
    NOON,
    at_m,
    given_account,
    given_attachment,
    given_crew,
    given_estate,
    given_premises,
    given_region,
    given_street_grid,
    given_sub_district,
    given_transformer_with_services,
)
from tests.grid.town import given_networks
from tests.sync.field import TUS, photo

ZOOM = 14


@dataclass
class Town:
    """`ids` by the name of the address part or body field that takes them; `marks` are words no stranger may read."""

    branch: Branch
    boss: Person
    crew: Crew
    lineman: Person
    tablet: Tablet
    phone: str
    ids: dict[str, str] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)


def given_town(app: Flask, session: Session, code: str, *, centre: tuple[float, float] = CENTRE) -> Town:
    """Build it; `code` marks every name. The forms must be there (`given_forms`)."""
    branch = given_branch(session, code, centre=centre)
    boss = given_person(session, branch, f"boss-{code.lower()}", list(Role), name=f"{code}-boss")
    crew, lineman = given_crew(
        session, branch, f"{code}-CREW", place=at_m(300, 0, centre=centre), login=f"lineman-{code.lower()}"
    )
    phone = f"139{int(hashlib.sha256(code.encode()).hexdigest(), 16) % 10**8:08d}"
    town = Town(branch, boss, crew, lineman, given_tablet(app, session, lineman), phone)
    office = signed_in(app, boss)
    town.ids = {
        **_ground(session, town, centre),
        **_work(office, session, town),
        "branch_id": str(branch.id),
        "crew_id": str(crew.id),
        "person_id": str(lineman.id),
        "device_id": town.tablet.device_id,
        "grant_id": str(session.scalars(select(RoleGrant.id).where(RoleGrant.person_id == lineman.id)).one()),
        **_tile(centre),
        "gis_key_id": _key_for_gis(office),
        "collection_id": "jobs",
        "deadline_code": "visit.punctual",
    }
    town.ids["assignment_id"] = _sent(office, town)
    town.ids["alert_id"] = _unanswered(session, town)
    town.ids["plan_id"] = _planned(session, town)
    town.ids |= _switched(office, session, town)
    town.ids["deadline_alert_id"] = _late(session, town)
    town.ids["feature_id"] = town.ids["job_id"]
    town.ids["notice_id"] = _told(app, session, town)
    town.ids |= _files(app, session, town)
    town.ids["conflict_id"] = _disputed(session, town)
    town.ids["op_no"] = _unjudged(app, town)
    town.marks = [code, phone, *(value for value in town.ids.values() if len(value) >= 16)]
    return town


def _late(session: Session, town: Town) -> str:
    """Nobody has arrived for a day."""
    job = session.get_one(Job, town.ids["job_id"])
    session.execute(update(Job).where(Job.id == job.id).values(opened_at=job.opened_at - timedelta(days=1)))
    alert = DeadlineAlert(
        id=new_id(),
        branch_id=job.branch_id,
        job_id=job.id,
        code="power.arrival.promise",
        stage=Stage.MISSED,
        raised_at=job.opened_at,
    )
    session.add(alert)
    session.commit()
    return str(alert.id)


def _key_for_gis(office: Client) -> str:
    answer = office.post("/api/v1/me/gis-keys", json={"name": "QGIS"})
    assert answer.status_code == 201, answer.text
    key: str = answer.get_json()["key"]["id"]
    return key


def _ground(session: Session, town: Town, centre: tuple[float, float]) -> dict[str, str]:
    if centre == CENTRE:
        given_street_grid(session, town.branch, side=3)
        given_transformer_with_services(session, town.branch, [at_m(20, 20), at_m(40, 20)])
    given_estate(session, town.branch, f"{town.branch.code}-ESTATE")
    place = given_sub_district(session, town.branch, f"{town.branch.code}-DISTRICT", centre=centre)
    given_region(session, town.crew, place)
    premises = given_premises(
        session, town.branch, at_m(10, 10, centre=centre), address=f"{town.branch.code}-ADDRESS", initials="canary"
    )
    account = given_account(session, premises, name=f"{town.branch.code}-PARTY", phone=town.phone)
    return {"premises_id": str(premises.id), "place_id": str(place.id), "account_id": str(account.id)}


def _work(office: Client, session: Session, town: Town) -> dict[str, str]:
    call = {
        "symptom": "no_supply",
        "premises_id": str(_premises_of(session, town)),
        "caller_name": f"{town.branch.code}-CALLER",
        "caller_phone": town.phone,
        "note": f"{town.branch.code}-NOTE",
        "join": "new",
    }
    answer = office.post("/api/v1/calls", json=call)
    assert answer.status_code == 201, answer.text
    taken = answer.get_json()
    return {"job_id": taken["job_id"], "outage_id": taken["outage_id"], "demand_id": taken["id"]}


def _premises_of(session: Session, town: Town) -> Any:
    return session.scalars(select(Premises.id).where(Premises.branch_id == town.branch.id)).one()


def _unanswered(session: Session, town: Town) -> str:
    alert = CrewAlert(
        id=new_id(), branch_id=town.branch.id, job_id=UUID(town.ids["job_id"]), crew_id=town.crew.id,
        assignment_id=UUID(town.ids["assignment_id"]), kind=AlertKind.NO_ANSWER, raised_at=NOON,
    )  # fmt: skip
    session.add(alert)
    session.commit()
    return str(alert.id)


def _planned(session: Session, town: Town) -> str:
    """A plan that refuses the town's job."""
    plan = Plan(
        id=new_id(), branch_id=town.branch.id, day=NOON.date(), state=PlanState.PROPOSED, asked_at=NOON, seconds=30,
        seed=1, inputs=b"x", input_hash="x", cost=1, engine=f"{town.branch.code}-ENGINE",
    )  # fmt: skip
    session.add(plan)
    session.flush()
    line = {"plan_id": plan.id, "job_id": UUID(town.ids["job_id"]), "change": Change.REFUSED}
    session.add(PlanStop(id=new_id(), branch_id=town.branch.id, **line))
    session.commit()
    return str(plan.id)


def _switched(office: Client, session: Session, town: Town) -> dict[str, str]:
    networks = given_networks(session, town.branch)
    answer = office.post(f"/api/v1/network/links/{networks.links['SW2']}/switching", json={"move": "open"})
    assert answer.status_code == 201, answer.text
    ids = {"node_id": networks.nodes["TXA1"], "link_id": networks.links["CB1"]}
    found = {"link_id": str(ids["link_id"]), "cause": "storm", "extent": f"{town.branch.code}-EXTENT"}
    confirmed = office.post(f"/api/v1/outages/{town.ids['outage_id']}/confirmation", json=found)
    assert confirmed.status_code == 201, confirmed.text
    return {**{name: str(value) for name, value in ids.items()}, "switching_id": answer.get_json()["id"]}


def _told(app: Flask, session: Session, town: Town) -> str:
    consent = {"notice_channel": NoticeChannel.SMS, "notice_consent_at": NOON}
    session.execute(update(Party).where(Party.branch_id == town.branch.id).values(consent))
    session.commit()
    with app.extensions["lamplighter"].unit_of_work(SYSTEM) as uow:
        notices.plan(uow, outage_id=UUID(town.ids["outage_id"]))
    return str(session.scalars(select(Notice.id).where(Notice.branch_id == town.branch.id)).first())


def _sent(office: Client, town: Town) -> str:
    path = f"/api/v1/jobs/{town.ids['job_id']}/assignments"
    answer = office.post(path, json={"crew_id": town.ids["crew_id"]})
    assert answer.status_code == 201, answer.text
    assignment: str = answer.get_json()["id"]
    return assignment


def _files(app: Flask, session: Session, town: Town) -> dict[str, str]:
    runtime: Runtime = app.extensions["lamplighter"]
    content = photo("navy") + town.branch.code.encode()
    sha256 = Blobs(runtime.settings.blob_root).put(content)
    attachment = given_attachment(
        session,
        session.get_one(Job, town.ids["job_id"]),
        AttachmentKind.PHOTO,
        "before",
        sha256=sha256,
        size_bytes=len(content),
        verified_at=runtime.clock(),
        thumbnail_sha256=sha256,
    )
    return {"attachment_id": str(attachment.id), "sha256": sha256, "upload_id": _upload(app, town)}


def _disputed(session: Session, town: Town) -> str:
    """A finding that a tablet wrote otherwise than the server has it."""
    conflict_id = new_id()
    session.execute(
        sync_conflict.insert().values(
            id=conflict_id,
            entity="job",
            rec_id=UUID(town.ids["job_id"]),
            field="finding",
            theirs=f"{town.branch.code}-FINDING",
            mine="otherwise",
            device_id=UUID(town.tablet.device_id),
            op_no=1,
            theirs_rev=1,
            policy="human",
            raised_at=NOON,
        )
    )
    return str(conflict_id)


def _unjudged(app: Flask, town: Town) -> str:
    """What came from the tablet and nobody could judge."""
    op = {
        "op_no": 1,
        "entity": "balloon",
        "rec_id": str(new_id()),
        "kind": "create",
        "base_rev": 0,
        "fields": {"note": f"{town.branch.code}-BALLOON"},
        "device_at": "2026-07-16T00:00:00Z",
    }
    batch = {"schema_version": 1, "sent_at": "2026-07-16T00:00:00Z", "monotonic_ms": 1, "ops": [op]}
    answer = app.test_client().post("/sync/v1/push", json=batch, headers=town.tablet.headers)
    assert answer.get_json()["results"][0]["status"] == "quarantined", answer.text
    return "1"


def _upload(app: Flask, town: Town) -> str:
    """A file that the tablet has begun to send."""
    wanted = {"sha256": hashlib.sha256(town.branch.code.encode()).hexdigest(), "mime": "image/jpeg", "kind": "photo"}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in wanted.items())
    headers = {**town.tablet.headers, **TUS, "Upload-Length": "1000", "Upload-Metadata": metadata}
    answer = app.test_client().post("/sync/v1/files", headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].rsplit("/", 1)[-1]


def _tile(centre: tuple[float, float]) -> dict[str, str]:
    """The address of the tile that holds the middle of town (slippy map)."""
    lon, lat = centre
    place = Point(lon, math.radians(lat))
    tiles = 2**ZOOM
    x = int((place.x + 180) / 360 * tiles)
    y = int((1 - math.asinh(math.tan(place.y)) / math.pi) / 2 * tiles)
    return {"z": str(ZOOM), "x": str(x), "y": str(y)}
