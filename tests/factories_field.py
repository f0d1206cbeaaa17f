"""What tests of the field rooms are given: premises, crews, streets, forms, calls. Plain functions, each commits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from shapely.geometry import LineString, MultiPolygon, Point, box
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.crews.models import Crew, CrewKind, CrewMember, CrewPosition, CrewRegion, Shift
from app.customers.models import (
    Account,
    AreaKind,
    CustomerClass,
    Party,
    PartyKind,
    Place,
    PlaceKind,
    Premises,
    Service,
    Tier,
)
from app.identity.models import Branch, Person, Role
from app.jobs.models import Form, Job, JobKind, Priority
from app.jobs.rules import Asked
from app.jobs.service import open_job
from app.kernel.actor import SYSTEM
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.media.models import Attachment, AttachmentKind
from app.network.models import Commodity, LinkKind, LinkState, NetworkLink, NetworkNode, NodeKind
from app.staff.models import Grade, Qualification, Skill
from app.streets.models import StreetClass, StreetEdge, StreetNode
from tests.factories import CENTRE, given_person

FORMS = Path(__file__).resolve().parents[1] / "fixtures" / "forms"
METRE_DEG = 1 / 111_195.0  # of latitude; close enough to place things a known number of metres apart
NOON = datetime.fromisoformat("2026-07-16T00:00:00+00:00")  # the frozen clock's start

_numbers = count(1)


def at_m(east: float = 0.0, north: float = 0.0, *, centre: tuple[float, float] = CENTRE) -> Point:
    """The place so many metres east and north of the town's middle, to a metre over a few kilometres."""
    lon, lat = centre
    return Point(round(lon + east * METRE_DEG / 0.8643, 7), round(lat + north * METRE_DEG, 7))  # cos 30.2°


def as_geojson(point: Point) -> dict[str, Any]:
    """The point as it is sent."""
    return {"type": "Point", "coordinates": [point.x, point.y]}


def given_forms(session: Session) -> None:
    """Every checklist of the fixtures, published long ago."""
    for path in sorted(FORMS.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        session.add(
            Form(
                id=new_id(),
                code=document["code"],
                version=document["version"],
                job_kind=JobKind(document["kind"]),
                document=document,
                published_at=NOON - timedelta(days=100),
            )
        )
    session.commit()


def given_premises(session: Session, branch: Branch, place: Point | None = None, **fields: Any) -> Premises:
    """A flat somewhere in town."""
    number = next(_numbers)
    premises = Premises(
        id=new_id(),
        branch_id=branch.id,
        location=place or at_m(),
        **{
            "code": f"P{number:06d}",
            "address": f"龙衡路{number}号1栋101",
            "address_en": f"101, Block 1, {number} Longheng Road",
            "initials": f"lhl{number}h1d101",
            "area_kind": AreaKind.CITY,
            **fields,
        },
    )
    session.add(premises)
    session.commit()
    return premises


def given_account(session: Session, premises: Premises, **fields: Any) -> Account:
    """A household with a power contract; `name` and `phone` go to the party, the rest to the account."""
    number = next(_numbers)
    party = Party(
        id=new_id(),
        branch_id=premises.branch_id,
        kind=PartyKind.PERSON,
        name=fields.pop("name", f"住户{number}"),
        phone=fields.pop("phone", f"138{number:08d}"),
        initials=fields.pop("initials", f"zh{number}"),
    )
    session.add(party)
    session.flush()  # the account's foreign key needs the row
    account = Account(
        id=new_id(),
        branch_id=premises.branch_id,
        premises_id=premises.id,
        party_id=party.id,
        **{
            "number": f"3301{number:08d}",
            "service": Service.POWER,
            "customer_class": CustomerClass.ORDINARY,
            "gas_class": None,
            "tier": Tier.STANDARD,
            "opened_on": date(2020, 1, 1),
            **fields,
        },
    )
    session.add(account)
    session.commit()
    return account


def given_crew(
    session: Session,
    branch: Branch,
    code: str = "R1",
    *,
    place: Point | None = None,
    seen_at: datetime = NOON,
    skills: Iterable[Skill] = (Skill.LOW_VOLTAGE, Skill.HIGH_VOLTAGE, Skill.GAS_PIPE),
    grade: Grade = Grade.INTERMEDIATE,
    on_duty: bool = True,
    login: str | None = None,
    kind: CrewKind = CrewKind.OUTAGE_REPAIR,
) -> tuple[Crew, Person]:
    """A crew of one qualified person, on duty for eight hours, last heard from at `place`."""
    crew = Crew(id=new_id(), branch_id=branch.id, code=code, name_zh=f"抢修{code}班", name_en=f"Crew {code}", kind=kind)
    person = given_person(session, branch, login, [Role.CREW_MEMBER])
    session.add(crew)
    session.flush()  # members, shifts and positions refer to it
    session.add(CrewMember(id=new_id(), branch_id=branch.id, crew_id=crew.id, person_id=person.id, since=NOON))
    session.add_all(given_skill(person, skill, grade) for skill in skills)
    start = NOON - timedelta(hours=1) if on_duty else NOON - timedelta(hours=12)
    session.add(
        Shift(id=new_id(), branch_id=branch.id, crew_id=crew.id, starts_at=start, ends_at=start + timedelta(hours=9))
    )
    if place is not None:
        session.add(CrewPosition(crew_id=crew.id, branch_id=branch.id, location=place, accuracy_m=8.0, at=seen_at))
    session.commit()
    return crew, person


def given_skill(person: Person, skill: Skill, grade: Grade, *, until: datetime | None = None) -> Qualification:
    """A certificate of the last year, valid for another unless told (not added to any session)."""
    return Qualification(
        id=new_id(),
        branch_id=person.branch_id,
        person_id=person.id,
        skill=skill,
        grade=grade,
        certificate_no=f"C{next(_numbers):05d}",
        valid_from=NOON - timedelta(days=365),
        valid_until=until or NOON + timedelta(days=365),
    )


def given_job(
    runtime: Runtime,
    branch: Branch,
    kind: JobKind = JobKind.OUTAGE_REPAIR,
    *,
    place: Point | None = None,
    **asked: Any,
) -> Job:
    """A new job, opened by the system; its form must be there (`given_forms`)."""
    with runtime.unit_of_work(SYSTEM) as uow:
        return open_job(
            uow,
            branch_id=branch.id,
            asked=Asked(
                kind=kind,
                location=place or at_m(),
                **{"priority": Priority.URGENT, "address": "龙衡路8号", **asked},
            ),
        )


def given_attachment(session: Session, job: Job, kind: AttachmentKind, slot: str, **fields: Any) -> Attachment:
    """A declared file whose bytes are still on their way."""
    attachment = Attachment(
        id=new_id(),
        branch_id=job.branch_id,
        job_id=job.id,
        kind=kind,
        slot=slot,
        **{
            "sha256": f"{next(_numbers):064x}",
            "size_bytes": 1000,
            "mime": "image/jpeg" if kind is AttachmentKind.PHOTO else "image/png",
            "taken_at": NOON,
            **fields,
        },
    )
    session.add(attachment)
    session.commit()
    return attachment


def given_street_grid(session: Session, branch: Branch, *, side: int = 11, block_m: float = 200.0) -> list[StreetEdge]:
    """A square grid of two-way streets around the town's middle, `side` × `side` junctions, 36 km/h throughout."""
    half = (side - 1) / 2
    nodes = {
        (column, row): StreetNode(branch_id=branch.id, location=at_m((column - half) * block_m, (row - half) * block_m))
        for column in range(side)
        for row in range(side)
    }
    session.add_all(nodes.values())
    session.flush()  # the edges need the ids
    edges = []
    for (column, row), node in nodes.items():
        for step in ((column + 1, row), (column, row + 1)):
            edges += [_segment(branch, node, nodes[step], block_m)] if step in nodes else []
    session.add_all(edges)
    session.commit()
    return edges


def _segment(branch: Branch, start: StreetNode, end: StreetNode, length_m: float) -> StreetEdge:
    return StreetEdge(
        branch_id=branch.id,
        from_node_id=start.id,
        to_node_id=end.id,
        name="龙衡路",
        street_class=StreetClass.SECONDARY,
        length_m=length_m,
        speed_kmh=36.0,
        path=LineString([start.location, end.location]),
    )


def given_transformer_with_services(session: Session, branch: Branch, places: Iterable[Point]) -> list[UUID]:
    """A transformer and one service point a place on its low-voltage line; returns transformer, then service points."""
    places = list(places)
    transformer = _node(branch, NodeKind.TRANSFORMER, places[0])
    services = [_node(branch, NodeKind.SERVICE_POINT, place) for place in places]
    session.add_all([transformer, *services])
    session.flush()  # the links need the rows
    before = transformer
    for service in services:
        session.add(_lv_line(branch, before, service))
        before = service
    session.commit()
    return [transformer.id, *(service.id for service in services)]


def _node(branch: Branch, kind: NodeKind, place: Point) -> NetworkNode:
    number = next(_numbers)
    return NetworkNode(
        id=new_id(), branch_id=branch.id, commodity=Commodity.POWER, kind=kind, code=f"N{number:05d}", location=place
    )


def _lv_line(branch: Branch, start: NetworkNode, end: NetworkNode) -> NetworkLink:
    return NetworkLink(
        id=new_id(),
        branch_id=branch.id,
        commodity=Commodity.POWER,
        kind=LinkKind.LV_LINE,
        code=f"L{next(_numbers):05d}",
        from_node_id=start.id,
        to_node_id=end.id,
        normal_state=LinkState.CLOSED,
        state=LinkState.CLOSED,
        length_m=50.0,
        path=LineString([start.location, end.location]),
    )


def given_estate(session: Session, branch: Branch, name: str = "龙衡花园") -> Place:
    """An estate around the town's middle."""
    lon, lat = CENTRE
    area = MultiPolygon([box(lon - 0.005, lat - 0.005, lon + 0.005, lat + 0.005)])
    place = Place(
        id=new_id(), branch_id=branch.id, kind=PlaceKind.ESTATE, name_zh=name, name_en="Longheng Garden", boundary=area
    )
    session.add(place)
    session.commit()
    return place


def given_sub_district(
    session: Session,
    branch: Branch,
    name: str = "龙衡街道",
    *,
    centre: tuple[float, float] = CENTRE,
    boundary: MultiPolygon | None = None,
) -> Place:
    """A sub-district, by default two kilometres around the town's middle."""
    lon, lat = centre
    area = MultiPolygon([box(lon - 0.02, lat - 0.02, lon + 0.02, lat + 0.02)])
    place = Place(
        id=new_id(),
        branch_id=branch.id,
        kind=PlaceKind.SUB_DISTRICT,
        name_zh=name,
        name_en=f"{name} Sub-district",
        boundary=boundary or area,
    )
    session.add(place)
    session.commit()
    return place


def given_region(session: Session, crew: Crew, place: Place) -> None:
    """The crew serves the place."""
    session.add(CrewRegion(id=new_id(), branch_id=crew.branch_id, crew_id=crew.id, place_id=place.id))
    session.commit()


@contextmanager
def counted_queries(runtime: Runtime) -> Iterator[list[str]]:
    """The statements sent to the database inside the block, savepoints left out."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            sent.append(statement)

    with runtime.sessions() as session:
        engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
