"""What a decision writes, and when it is due. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.conflicts.errors import TwoAnswers
from app.kernel.problems import FieldError
from mobile_sync.collection import Policy


class Take(StrEnum):
    """Whose value: what the server holds, what the tablet sent, or another one."""

    THEIRS = "theirs"
    MINE = "mine"
    VALUE = "value"


# Ours, not a standard's: a clash about safety is settled while the crew is on site, the rest within the working day.
DUE_WITHIN = {Policy.NEVER.value: timedelta(minutes=15)}
DUE_OTHERWISE = timedelta(hours=8)


KEPT_AFTER_DECISION = timedelta(days=3)  # who worked without a link learns how it ended


@dataclass(frozen=True)
class Clash:
    """An open conflict: the field of a record, and what the tablet wanted there."""

    id: UUID
    entity: str
    rec_id: UUID
    field: str
    mine: Any


@dataclass(frozen=True)
class Saw:
    """The two values as they were shown to the one who decided."""

    theirs: Any
    mine: Any


@dataclass(frozen=True)
class Standing:
    """What somebody is to a conflict: the desk, the one it was handed to, its author, the leader of the work."""

    dispatches: bool
    named: bool
    wrote: bool
    leads: bool


def may_settle(policy: str, who: Standing) -> bool:
    """Who decides: the desk, and whom it names; where no safety hangs on it also author and leader."""
    return who.dispatches or who.named or (policy != Policy.NEVER and (who.wrote or who.leads))


def decided(clashes: Iterable[Clash], take: Take, value: Any) -> Mapping[tuple[str, UUID], dict[str, Any]]:
    """The values to write by record and field; nothing where the server's stands.

    Raises:
        TwoAnswers: two tablets wanted different values in one field, and both were taken.
    """
    chosen: dict[tuple[str, UUID], dict[str, Any]] = {}
    for clash in clashes:
        if take is Take.THEIRS:
            continue
        wanted = clash.mine if take is Take.MINE else value
        fields = chosen.setdefault((clash.entity, clash.rec_id), {})
        if clash.field in fields and fields[clash.field] != wanted:
            raise TwoAnswers(FieldError(clash.field, "two_answers"))
        fields[clash.field] = wanted
    return chosen
