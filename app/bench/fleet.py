"""A fleet for benchmarks: crews of one person with one signed-in tablet each, in a branch of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from app.crews.models import Crew, CrewKind, CrewMember
from app.identity import service as identity
from app.identity.models import Branch, Device, DeviceState, Person, Role, RoleGrant
from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime, UnitOfWork


@dataclass(frozen=True)
class Tablet:
    """A tablet that may push and pull: the bearer token it shows, and the crew whose work it holds."""

    device_id: UUID
    crew_id: UUID
    token: str


def found_branch(runtime: Runtime) -> UUID:
    """A branch to work in."""
    with runtime.unit_of_work(SYSTEM) as uow:
        branch = Branch(id=uow.new_id(), code="BENCH", name_zh="测速", name_en="Bench", synthetic=True)
        uow.session.add(branch)
        return branch.id


@dataclass(frozen=True)
class _Hand:
    """A person to be, with tablet and crew."""

    code: str
    person_id: UUID
    device_id: UUID
    crew_id: UUID


def enrol(
    runtime: Runtime, branch_id: UUID, count: int, *, first: int = 0, crew_id: UUID | None = None
) -> list[Tablet]:
    """`count` tablets, each of a crew of its own or all of `crew_id`; `first` keeps their codes apart from others'."""
    with runtime.unit_of_work(SYSTEM) as uow:
        hands = [
            _Hand(f"B{first + number}", uow.new_id(), uow.new_id(), crew_id or uow.new_id()) for number in range(count)
        ]
        if crew_id is None:
            uow.session.execute(insert(Crew), [_crew(branch_id, hand) for hand in hands])
        for model, values in _ROWS:
            uow.session.execute(insert(model), [{"branch_id": branch_id, **values(uow, hand)} for hand in hands])
        return _signed_in(uow, hands)


def _crew(branch_id: UUID, hand: _Hand) -> dict[str, Any]:
    named = {"code": hand.code, "name_zh": hand.code, "name_en": hand.code, "kind": next(iter(CrewKind))}
    return {"id": hand.crew_id, "branch_id": branch_id, "rev": 1, **named}


def _person(_uow: UnitOfWork, hand: _Hand) -> dict[str, Any]:
    return {"id": hand.person_id, "staff_no": hand.code, "name": "测速", "name_en": "Bench", "active": True}


def _grant(uow: UnitOfWork, hand: _Hand) -> dict[str, Any]:
    return {"id": uow.new_id(), "person_id": hand.person_id, "role": Role.CREW_MEMBER}


def _member(uow: UnitOfWork, hand: _Hand) -> dict[str, Any]:
    return {
        "id": uow.new_id(),
        "crew_id": hand.crew_id,
        "person_id": hand.person_id,
        "lead": False,
        "since": uow.now,
    }


def _device(uow: UnitOfWork, hand: _Hand) -> dict[str, Any]:
    return {
        "id": hand.device_id,
        "name": hand.code,
        "public_key": {},
        "key_thumbprint": hand.code,
        "state": DeviceState.ACTIVE,
        "enrolled_by": hand.person_id,
        "enrolled_at": uow.now,
        "person_id": hand.person_id,
    }


_ROWS: Sequence[tuple[type[Any], Callable[[UnitOfWork, _Hand], dict[str, Any]]]] = (
    (Person, _person),
    (RoleGrant, _grant),
    (CrewMember, _member),
    (Device, _device),
)


def _signed_in(uow: UnitOfWork, hands: Sequence[_Hand]) -> list[Tablet]:
    """All people read, and all logins written, at once."""
    query = select(Person).where(Person.id.in_([hand.person_id for hand in hands]))
    people = {person.id: person for person in uow.session.scalars(query)}
    with uow.session.no_autoflush:
        pairs = [identity.open_token_session(uow, people[hand.person_id], device_id=hand.device_id) for hand in hands]
    return [Tablet(hand.device_id, hand.crew_id, pair.access_token) for hand, pair in zip(hands, pairs, strict=True)]
