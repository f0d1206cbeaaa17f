"""What the crews room refuses."""

from __future__ import annotations

from app.crews.models import ONE_CREW_PER_MEMBER
from app.kernel.problems import Conflict, Forbidden, Problem


class AlreadyInACrew(Conflict):
    """The person is in another crew already."""

    title_zh = "该人员已在其他班组"


class NotYourCrew(Forbidden):
    """Only members of the crew may report its position."""

    title_zh = "只有本班组成员才能上报位置"


class RegionsChanged(Conflict):
    """Somebody else has chosen other sub-districts for this crew meanwhile; nothing was changed."""

    title_zh = "他人已更改该班组的责任片区，本次未作任何更改"


CONSTRAINT_PROBLEMS: dict[str, type[Problem]] = {ONE_CREW_PER_MEMBER: AlreadyInACrew}
