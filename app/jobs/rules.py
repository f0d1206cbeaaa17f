"""The life of a job, what each step needs, and what a finished checklist must hold. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shapely.geometry import Point

from app.jobs.errors import JobClosed, WrongTransition
from app.jobs.models import EndReason, JobKind, JobState, Priority
from app.staff.models import Skill
from mobile_sync.collection import Policy


class Hand(StrEnum):
    """Who moves a job: the crew that holds it, or the desk."""

    CREW = "crew"
    DESK = "desk"


S = JobState
EITHER = frozenset(Hand)
CREW = frozenset({Hand.CREW})
DESK = frozenset({Hand.DESK})

TRANSITIONS: Mapping[JobState, Mapping[JobState, frozenset[Hand]]] = {
    S.NEW: {S.PLANNED: DESK, S.ASSIGNED: DESK, S.CANCELLED: DESK},
    S.PLANNED: {S.ASSIGNED: DESK, S.ACCEPTED: EITHER, S.NEW: EITHER, S.CANCELLED: DESK},
    S.ASSIGNED: {S.ACCEPTED: EITHER, S.NEW: EITHER, S.CANCELLED: DESK},
    S.ACCEPTED: {S.EN_ROUTE: EITHER, S.NEW: EITHER, S.CANCELLED: DESK},
    S.EN_ROUTE: {S.ARRIVED: EITHER, S.NEW: EITHER, S.CANCELLED: DESK},
    S.ARRIVED: {S.WORKING: EITHER, S.NEW: EITHER, S.CANCELLED: DESK},
    S.WORKING: {S.RESTORED: EITHER, S.COMPLETED: EITHER, S.NEW: EITHER, S.CANCELLED: DESK},
    S.RESTORED: {S.WORKING: EITHER, S.COMPLETED: EITHER},
    S.COMPLETED: {},
    S.CANCELLED: {},
}
CLOSED = frozenset({S.COMPLETED, S.CANCELLED})
TAKES_A_CREW = frozenset({S.PLANNED, S.ASSIGNED})  # only dispatch goes there: a crew must be named
RESTORES_SUPPLY = frozenset({JobKind.OUTAGE_REPAIR, JobKind.GAS_LEAK})  # these pass through restored
NEEDS_REASON = frozenset({S.NEW, S.CANCELLED})

WORDS: Mapping[str, JobState] = {"handed_back": S.NEW, "refused": S.NEW, "withdrawn": S.NEW}

PREFIXES: Mapping[JobKind, str] = {
    JobKind.OUTAGE_REPAIR: "QX",  # 抢修
    JobKind.GAS_LEAK: "LQ",  # 漏气
    JobKind.GAS_ALTERATION: "GG",  # 改管
    JobKind.GAS_IGNITION: "DH",  # 点火
    JobKind.INSPECTION: "AJ",  # 安检
    JobKind.METERING: "JL",  # 计量
    JobKind.CARE_VISIT: "GA",  # 关爱
}

SKILL_FOR: Mapping[JobKind, Skill] = {
    JobKind.OUTAGE_REPAIR: Skill.LOW_VOLTAGE,
    JobKind.GAS_LEAK: Skill.GAS_PIPE,
    JobKind.GAS_ALTERATION: Skill.GAS_PIPE,
    JobKind.GAS_IGNITION: Skill.GAS_IGNITION,
    JobKind.INSPECTION: Skill.INSPECTION,
    JobKind.METERING: Skill.METERING,
    JobKind.CARE_VISIT: Skill.CARE,
}

_URGENCY = [Priority.NORMAL, Priority.URGENT, Priority.EMERGENCY]


@dataclass(frozen=True)
class Asked:
    """What a new job is about. A snapshot: later edits elsewhere do not rewrite a work order."""

    kind: JobKind
    priority: Priority
    location: Point
    address: str
    required_skill: Skill | None = None
    contact_name: str | None = None
    contact_phone: str | None = None
    premises_id: UUID | None = None
    outage_id: UUID | None = None
    window: tuple[datetime, datetime] | None = None
    due_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True)
class Slot:
    """A place for a photo or a signature in a form."""

    kind: str
    slot: str


def target(word: str) -> JobState:
    """The state a word asks for. `handed_back` and `refused` are ways to become new again."""
    return WORDS.get(word) or JobState(word)


def is_step(before: JobState, after: JobState) -> bool:
    """Whether such a step exists at all, whoever makes it."""
    return after in TRANSITIONS[before]


def allowed(kind: JobKind, before: JobState, hands: Iterable[Hand]) -> list[JobState]:
    """Where these hands may move a job of this kind by a transition, in the order of the life cycle."""
    open_to = set(hands)
    return [
        after
        for after, by in TRANSITIONS[before].items()
        if by & open_to and after not in TAKES_A_CREW and not _skips_restoring(kind, before, after)
    ]


def check_open(state: JobState) -> None:
    """Refuse to write into what is over.

    Raises:
        JobClosed: the job is completed or cancelled.
    """
    if state in CLOSED:
        raise JobClosed(state=state.value)


def check_step(kind: JobKind, before: JobState, after: JobState, hands: Iterable[Hand]) -> None:
    """Refuse a step that is not there for this job and these hands.

    Raises:
        WrongTransition: with `from`, `to` and what is `allowed` instead.
    """
    possible = allowed(kind, before, hands)
    if after not in possible:
        raise WrongTransition(
            **{"from": before.value, "to": after.value, "allowed": [state.value for state in possible]}
        )


def check_takes_crew(kind: JobKind, before: JobState, after: JobState) -> None:
    """Refuse to give a crew to a job that is neither new nor planned.

    Raises:
        WrongTransition: as `check_step`.
    """
    if not is_step(before, after):
        check_step(kind, before, after, Hand)


def check_booked(kind: JobKind, before: JobState) -> None:
    """Refuse to move the visit of a job that is not booked.

    Raises:
        WrongTransition: as `check_step`.
    """
    if before is not S.PLANNED:
        check_step(kind, before, S.PLANNED, Hand)


def _skips_restoring(kind: JobKind, before: JobState, after: JobState) -> bool:
    """Supply is restored before the paper is done, and only where supply was lost."""
    if kind in RESTORES_SUPPLY:
        return before is S.WORKING and after is S.COMPLETED
    return after is S.RESTORED


def end_reason(before: JobState, after: JobState, hand: Hand) -> EndReason | None:
    """Why the crew's assignment ends with this step, or None when it goes on."""
    if after is S.COMPLETED:
        return EndReason.COMPLETED
    if after is S.CANCELLED:
        return EndReason.CANCELLED
    if after is not S.NEW:
        return None
    if hand is Hand.DESK:
        return EndReason.WITHDRAWN
    return EndReason.REFUSED if before in {S.ASSIGNED, S.PLANNED} else EndReason.HANDED_BACK


def event_kind(after: JobState, ended: EndReason | None) -> str:
    """The line in the timeline: how the job became new again matters more than that it did."""
    return ended.value if ended and after is S.NEW else after.value


def plausible_time(at: datetime | None, *, opened_at: datetime, now: datetime) -> datetime:
    """The time of a step as told by a device, kept within the job's life so far; the server's when none was told."""
    return now if at is None else max(opened_at, min(at, now))


def is_words(value: object, *, longest: int) -> bool:
    """Whether a value from a device is text that can be kept: no schema has looked at it yet."""
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def more_urgent(a: Priority, b: Priority) -> Priority:
    """The more urgent of two."""
    return max(a, b, key=_URGENCY.index)


def missing(document: Mapping[str, object], answers: Mapping[str, object], filled: Iterable[Slot]) -> list[str]:
    """Dotted names of required answers, photos and signatures that are not there: `answers.cause`, `photos.before`."""
    present = {(slot.kind, slot.slot) for slot in filled}
    gone = [f"answers.{item}" for item in _list(document, "required") if answers.get(str(item)) in (None, "")]
    for key, kind, name in (("photo_slots", "photo", "photos"), ("signature_slots", "signature", "signatures")):
        slots = [slot for slot in _list(document, key) if isinstance(slot, Mapping) and slot.get("required")]
        gone += [f"{name}.{slot['slot']}" for slot in slots if (kind, slot["slot"]) not in present]
    return gone


def answer_policies(document: Mapping[str, Any]) -> dict[str, Policy]:
    """Who wins where tablets answer a question differently, of the questions of which the form says so (`x-policy`)."""
    questions: Mapping[str, Mapping[str, Any]] = document["schema"].get("properties", {})
    return {item: Policy(schema["x-policy"]) for item, schema in questions.items() if "x-policy" in schema}


def _list(document: Mapping[str, object], key: str) -> list[object]:
    value = document.get(key)
    return value if isinstance(value, list) else []
