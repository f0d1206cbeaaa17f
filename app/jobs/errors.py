"""What the jobs room refuses."""

from __future__ import annotations

from app.jobs.models import NO_VISITS_AT_ONCE, ONE_LIVE_PER_CREW, ONE_OPEN_PER_JOB
from app.kernel.problems import Conflict, Forbidden, Invalid, Problem


class WrongTransition(Conflict):
    """The job cannot go there from its present state."""

    title_zh = "工单当前状态不允许此操作"


class ReasonRequired(Invalid):
    """A reason is needed for this step."""

    title_zh = "此操作必须填写原因"


class JobIncomplete(Conflict):
    """Something required is still missing."""

    title_zh = "必填内容尚未完成"


class JobClosed(Conflict):
    """The job is completed or cancelled."""

    title_zh = "工单已完成或已取消"


class NotYourJob(Forbidden):
    """Only the crew that holds the job may do this."""

    title_zh = "只有承接该工单的班组才能执行此操作"


class BadAnswer(Invalid):
    """The answer does not fit the checklist."""

    title_zh = "填写内容不符合表单要求"


class BadForm(Invalid):
    """The form document cannot be published."""

    title_zh = "表单文档不符合要求"


class FormPublished(Conflict):
    """The version of the form is published already; publish the next one."""

    title_zh = "该版本表单已发布，请发布新版本"


class NoForm(Conflict):
    """No form is published for this kind of job."""

    title_zh = "该类工单尚未发布表单"


class CrewBusy(Conflict):
    """The crew is already on another job."""

    title_zh = "该班组正在执行其他工单"


class JobTaken(Conflict):
    """The job already has a crew."""

    title_zh = "该工单已派给其他班组"


class VisitOverlap(Conflict):
    """The crew has another visit at that time."""

    title_zh = "该班组在此时段已有其他预约"


CONSTRAINT_PROBLEMS: dict[str, type[Problem]] = {
    ONE_LIVE_PER_CREW: CrewBusy,
    ONE_OPEN_PER_JOB: JobTaken,
    NO_VISITS_AT_ONCE: VisitOverlap,
    "pk_form": FormPublished,
}
