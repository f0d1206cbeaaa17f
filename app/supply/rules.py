"""What a cause means for the indices, and whom to call first. No database, no clock."""

from __future__ import annotations

from enum import StrEnum

from app.customers.models import NeedKind, Tier
from app.reliability.models import CauseClass
from app.supply.models import CauseCode

PLANNED = frozenset({CauseCode.PLANNED_WORK, CauseCode.TEMPORARY_WORK})

# Who cannot wait: first life itself, then what others live by, then those whom nobody looks after, then contracts.
CALL_ORDER: tuple[NeedKind | Tier, ...] = (
    NeedKind.LIFE_SUPPORT,
    NeedKind.IMPORTANT_LEVEL_1,
    NeedKind.IMPORTANT_LEVEL_2,
    NeedKind.LONE_ELDER,
    NeedKind.DISABLED,
    Tier.VIP,
    Tier.KEY,
)


class Side(StrEnum):
    """Which of the affected."""

    OUT = "out"
    BACK = "back"


class Scope(StrEnum):
    """Who has supply again: all that remain, or those who said so when they were called."""

    REST = "rest"
    ANSWERED = "answered"


def cause_class(cause: CauseCode) -> CauseClass:
    """Whether the utility meant it."""
    return CauseClass.PLANNED if cause in PLANNED else CauseClass.FAULT
