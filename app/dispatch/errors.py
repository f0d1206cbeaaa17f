"""What dispatch refuses. A busy crew is `jobs.errors.CrewBusy`: the constraint behind it is on assignments."""

from __future__ import annotations

from app.kernel.problems import Conflict, Invalid


class CrewOffDuty(Conflict):
    """The crew is not on duty."""

    title_zh = "该班组当前不在班"


class CrewNotQualified(Conflict):
    """Nobody in the crew holds the required qualification."""

    title_zh = "该班组没有具备所需资质的人员"


class UnknownCrew(Invalid):
    """There is no such crew in the job's branch."""

    title_zh = "本单位没有这个班组"


class AssignmentEnded(Conflict):
    """The assignment has ended already."""

    title_zh = "该派工已结束"


class AlertOver(Conflict):
    """The crew has answered meanwhile, or another one was sent."""

    title_zh = "该班组已响应，或已改派其他班组"


class AlertTaken(Conflict):
    """Somebody else sees to it already."""

    title_zh = "已有他人正在处理"


class OutsideShift(Conflict):
    """The visit does not lie within one shift of the crew."""

    title_zh = "预约时间不在该班组的班次内"


class VisitGone(Conflict):
    """The visit was moved, withdrawn or begun in the meantime."""

    title_zh = "该预约已被改期、撤回或已开始执行"
