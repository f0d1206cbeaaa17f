"""What planning refuses."""

from __future__ import annotations

from app.kernel.problems import Conflict, Problem
from app.planning.models import ONE_AT_WORK


class PlanUnderWay(Conflict):
    """A plan for this day is being made already."""

    title_zh = "该日的计划正在编制中"


class PlanNotReady(Conflict):
    """The plan is not a proposal: it is still being made, was cancelled or failed."""

    title_zh = "该计划不是可采用的方案（仍在编制、已取消或编制失败）"


class PlanOver(Conflict):
    """The plan is finished already."""

    title_zh = "该计划已结束编制"


CONSTRAINT_PROBLEMS: dict[str, type[Problem]] = {ONE_AT_WORK: PlanUnderWay}
