"""What is refused about deadlines."""

from __future__ import annotations

from app.deadlines.models import ONE_DEVIATION, ONE_OPEN_PAUSE
from app.kernel.problems import Conflict, NotFound, Problem


class ClocksStandStill(Conflict):
    """The job's clocks stand still already."""

    title_zh = "该工单的时限已暂停"


class ClocksRun(Conflict):
    """The job's clocks are not paused."""

    title_zh = "该工单的时限没有暂停"


class UnknownLimit(NotFound):
    """The job has no such limit."""

    title_zh = "该工单没有此时限"


class NotMissed(Conflict):
    """The limit has not been missed; there is nothing to explain."""

    title_zh = "该时限没有超过，无需说明"


class AlreadyExplained(Conflict):
    """The deviation has been explained already."""

    title_zh = "该偏差已有说明"


class WarningOver(Conflict):
    """The alert's cause is gone: the limit was met, or its deviation explained."""

    title_zh = "该时限已达成或已说明偏差"


class WarningTaken(Conflict):
    """Somebody else sees to it already."""

    title_zh = "已有他人正在处理该时限"


class NobodyAbove(Conflict):
    """There is nobody further to hand it on to."""

    title_zh = "已是最高一级，无法再上报"


CONSTRAINT_PROBLEMS: dict[str, type[Problem]] = {ONE_OPEN_PAUSE: ClocksStandStill, ONE_DEVIATION: AlreadyExplained}
