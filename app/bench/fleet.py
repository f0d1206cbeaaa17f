"""A fleet for benchmarks: crews of one person with one signed-in tablet each, in a branch of their own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert

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


def enrol(
    runtime: Runtime, branch_id: UUID, count: int, *, first: int = 0, crew_id: UUID | None = None
) -> list[Tablet]:
    """`count` tablets, each of a crew of its own or all of `crew_id`; `first` keeps their codes apart from others'."""
    with runtime.unit_of_work(SYSTEM) as uow:
        return [_enrol_one(uow, branch_id, first + number, crew_id) for number in range(count)]


def _enrol_one(uow: UnitOfWork, branch_id: UUID, number: int, crew_id: UUID | None) -> Tablet:
    person_id, device_id = uow.new_id(), uow.new_id()
    scoped = {"branch_id": branch_id}
    code = f"B{number}"
    if crew_id is None:
        crew_id = uow.new_id()
        uow.session.execute(
            insert(Crew).values(
                id=crew_id, **scoped, rev=1, code=code, name_zh=code, name_en=code, kind=next(iter(CrewKind))
            )
        )
    rows = (
        (Person, {"id": person_id, **scoped, "staff_no": code, "name": "测速", "name_en": "Bench", "active": True}),
        (RoleGrant, {"id": uow.new_id(), **scoped, "person_id": person_id, "role": Role.CREW_MEMBER}),
        (
            CrewMember,
            {"id": uow.new_id(), **scoped, "crew_id": crew_id, "person_id": person_id, "lead": False, "since": uow.now},
        ),
        (
            Device,
            {
                "id": device_id,
                **scoped,
                "name": code,
                "public_key": {},
                "key_thumbprint": code,
                "state": DeviceState.ACTIVE,
                "enrolled_by": person_id,
                "enrolled_at": uow.now,
                "person_id": person_id,
            },
        ),
    )
    for model, values in rows:
        uow.session.execute(insert(model).values(**values))
    pair = identity.open_token_session(uow, uow.session.get_one(Person, person_id), device_id=device_id)
    return Tablet(device_id, crew_id, pair.access_token)
