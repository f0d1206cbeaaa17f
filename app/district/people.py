"""Rows of the utility's own people: org units, staff with certificates, logins, crews, vehicles, shifts, positions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from app.district.book import Book
from app.district.ground import Ground
from app.district.names import Namer, person_en, words
from app.district.sizes import Size

LETTER = {
    "outage_repair": "R",
    "gas_installation": "G",
    "inspection": "I",
    "metering": "M",
    "care": "C",
    "contractor": "K",
}
KIND_ZH = {"outage_repair": "抢修", "gas_installation": "燃气安装", "inspection": "安检", "metering": "计量",
           "care": "关爱", "contractor": "外协"}  # fmt: skip
KIND_EN = {"outage_repair": "Repair", "gas_installation": "Gas", "inspection": "Inspection", "metering": "Metering",
           "care": "Care", "contractor": "Contractor"}  # fmt: skip
SKILLS = {"outage_repair": ("high_voltage", "low_voltage"), "gas_installation": ("gas_pipe", "gas_ignition"),
          "inspection": ("inspection", "gas_pipe"), "metering": ("metering", "low_voltage"), "care": ("care",),
          "contractor": ("low_voltage", "gas_pipe")}  # fmt: skip
ALL_DAY = frozenset({"outage_repair", "gas_installation"})  # on duty round the clock, changing at eight
EXPIRING, EXPIRED = 9, 2


@dataclass(frozen=True)
class Crew:
    """A crew as later rows need it."""

    id: UUID
    code: str
    kind: str
    lead: UUID
    at: tuple[float, float]


@dataclass(frozen=True)
class People:
    """Crews by kind, and people who have logins, by login."""

    crews: dict[str, list[Crew]]
    by_login: dict[str, UUID]


@dataclass
class _Person:
    id: UUID
    persona: dict[str, Any] | None
    grade: str
    unit: str = "desk"
    login: str | None = None


def write_people(rng: Random, book: Book, size: Size, ground: Ground, password_hash: str) -> People:
    """All rows of staff and crews; every login has the same (told) password hash."""
    units = _write_org(book)
    staff = _staff(rng, book, size)
    crews = _seats(size, staff)
    for person in staff:
        if person.persona:
            person.login = person.persona["login"]
    for code, _, members in crews:
        if members[0].login is None:
            members[0].login = code.lower()
    _write_staff(rng, book, size, staff, units, password_hash)
    _write_certificates(rng, book, size, staff)
    made = _write_crews(rng, book, size, ground, crews, units)
    return People(made, {person.login: person.id for person in staff if person.login})


def _write_org(book: Book) -> dict[str, UUID]:
    top = book.new_id()
    book.put("org_unit", id=top, parent_id=None, kind="department", name_zh="运营部", name_en="Operations")
    units = {"desk": top}
    for kind, chinese in KIND_ZH.items():
        units[kind] = book.new_id()
        book.put("org_unit", id=units[kind], parent_id=top, kind="team", name_zh=f"{chinese}班",
                 name_en=f"{KIND_EN[kind]} team")  # fmt: skip
    return units


def _staff(rng: Random, book: Book, size: Size) -> list[_Person]:
    """Personas first, then everybody else; grades as counted, personas' own kept."""
    personas = words()["personas"]
    grades = ["senior"] * size.senior + ["intermediate"] * size.intermediate
    grades += ["junior"] * (size.staff - len(grades))
    rng.shuffle(grades)
    for persona in personas:
        grades.remove(persona.get("grade", "intermediate"))
    own = [_Person(book.new_id(), p, p.get("grade", "intermediate")) for p in personas]
    return own + [_Person(book.new_id(), None, grade) for grade in grades]


def _seats(size: Size, staff: list[_Person]) -> list[tuple[str, str, list[_Person]]]:
    """(code, kind, members) of every crew: two to five each, a senior or intermediate in front."""
    free = sorted(
        (p for p in staff if p.persona is None), key=lambda p: ("senior", "intermediate", "junior").index(p.grade)
    )
    personas = {p.persona["crew"]: p for p in staff if p.persona and "crew" in p.persona}
    codes = [(f"{LETTER[kind]}{n + 1}", kind) for kind, count in size.crews for n in range(count)]
    crews = []
    for code, kind in codes:
        crews.append((code, kind, [personas[code] if code in personas else free.pop(0)]))
    desk = max(8, size.staff // 10) - sum(1 for p in staff if p.persona)
    seat = 0
    while len(free) > max(0, desk) and any(len(members) < 5 for _, _, members in crews):
        members = crews[seat % len(crews)][2]
        if len(members) < (2 if crews[seat % len(crews)][1] == "care" else 5):
            members.append(free.pop())
        seat += 1
    for _, kind, members in crews:
        for member in members:
            member.unit = kind
    return crews


def _write_staff(
    rng: Random, book: Book, size: Size, staff: list[_Person], units: dict[str, UUID], password_hash: str
) -> None:
    namer = Namer(rng)
    for number, person in enumerate(staff):
        rural = size.employees <= number < size.employees + size.rural_electricians
        prefix = "E" if number < size.employees else ("N" if rural else "W")  # employee, rural electrician, contractor
        name = person.persona["name"] if person.persona else namer.person()
        book.put("person", id=person.id, org_unit_id=units[person.unit], staff_no=f"{prefix}{number + 1:04d}",
                 name=name, name_en=person.persona["name_en"] if person.persona else person_en(name),
                 phone=namer.phone(), login=person.login, password_hash=password_hash if person.login else None,
                 locale="zh-CN", active=True)  # fmt: skip
        roles = person.persona["roles"] if person.persona else (["crew_member"] if person.unit != "desk" else [])
        for role in roles:
            book.put("role_grant", id=book.new_id(), person_id=person.id, role=role)


def _write_certificates(rng: Random, book: Book, size: Size, staff: list[_Person]) -> None:
    """One certificate a skill of the team; a few of people without a part in the story run out or have run out."""
    minor = rng.sample([p for p in staff if p.persona is None and p.login is None], min(size.staff, EXPIRING + EXPIRED))
    expired, expiring = set(map(id, minor[:EXPIRED])), set(map(id, minor[EXPIRED:]))
    for person in staff:
        for rank, skill in enumerate(SKILLS.get(person.unit, ("low_voltage",))):
            until = book.anchor + timedelta(days=rng.randrange(60, 1000))
            if rank == 0 and id(person) in expired:
                until = book.anchor - timedelta(days=rng.randrange(3, 40))
            elif rank == 0 and id(person) in expiring:
                until = book.anchor + timedelta(days=rng.randrange(2, 30))
            book.put("qualification", id=book.new_id(), person_id=person.id, skill=skill, grade=person.grade,
                     certificate_no=f"LH{rng.randrange(10**8):08d}", valid_from=until - timedelta(days=1096),
                     valid_until=until)  # fmt: skip


def _write_crews(
    rng: Random,
    book: Book,
    size: Size,
    ground: Ground,
    crews: list[tuple[str, str, list[_Person]]],
    units: dict[str, UUID],
) -> dict[str, list[Crew]]:
    made: dict[str, list[Crew]] = {kind: [] for kind, _ in size.crews}
    since = book.anchor - timedelta(days=200)
    for number, (code, kind, members) in enumerate(crews):
        vehicle = _vehicle(book, number) if number < size.vehicles else None
        own = book.new_id()
        ordinal = code[1:]
        book.put("crew", id=own, rev=1, deleted_at=None, org_unit_id=units[kind], code=code,
                 name_zh=f"{KIND_ZH[kind]}{ordinal}组", name_en=f"{KIND_EN[kind]} crew {ordinal}", kind=kind,
                 vehicle_id=vehicle, phone=Namer(rng).phone())  # fmt: skip
        for member in members:
            book.put("crew_member", id=book.new_id(), crew_id=own, person_id=member.id, lead=member is members[0],
                     since=since, until=None)  # fmt: skip
        if kind == "outage_repair":
            _write_regions(book, own, len(made[kind]), ground)
        _write_shifts(book, own, all_day=kind in ALL_DAY or size.name == "load")
        at = rng.choice(ground.premises).at
        place = (at[0] + rng.uniform(-60, 60), at[1] + rng.uniform(-60, 60))
        book.put("crew_position", crew_id=own, location=place, accuracy_m=float(rng.randrange(4, 25)),
                 at=book.anchor - timedelta(seconds=rng.randrange(20, 280)))  # fmt: skip
        made[kind].append(Crew(own, code, kind, members[0].id, place))
    return made


def _write_regions(book: Book, crew_id: UUID, turn: int, ground: Ground) -> None:
    """A sub-district by turns and the one nearest to it, so that each is served and neighbours help out."""
    districts = [n for n, place in enumerate(ground.town.places) if place.kind == "sub_district"]
    own = districts[turn % len(districts)]
    outline = ground.town.places[own].outline
    near = sorted(districts, key=lambda n: (n != own, outline.distance(ground.town.places[n].outline), n))
    for served in near[:2]:
        book.put("crew_region", id=book.new_id(), crew_id=crew_id, place_id=ground.place_ids[served])


SHIFT_DAYS = 14


def _vehicle(book: Book, number: int) -> UUID:
    own = book.new_id()
    kind = "lorry" if number % 9 == 8 else "van"
    book.put("vehicle", id=own, plate=f"衡A{number + 1:05d}", kind=kind)
    return own


def _write_shifts(book: Book, crew_id: UUID, *, all_day: bool) -> None:
    """From yesterday on, long enough that a demo left running still has crews on duty."""
    for day in range(-1, SHIFT_DAYS):
        start: datetime = book.anchor + timedelta(days=day)
        book.put("shift", id=book.new_id(), crew_id=crew_id, starts_at=start,
                 ends_at=start + timedelta(hours=24 if all_day else 10))  # fmt: skip
