"""What supply refuses."""

from __future__ import annotations

from app.kernel.problems import Conflict, Invalid, Problem
from app.supply.models import ONE_STANDING_CONFIRMATION


class OtherOutage(Invalid):
    """The device is of another network than the outage."""

    title_zh = "该设备与停电事件不属于同一网络"


class NotConfirmed(Conflict):
    """No device is confirmed as the cause of this outage."""

    title_zh = "该停电事件尚未确认故障设备"


class StagesBegun(Conflict):
    """Some have supply again already; confirm another device instead of taking this one back."""

    title_zh = "已有用户恢复供应，不能撤销确认；请改为确认另一设备"


class NobodyBack(Conflict):
    """Nobody of those named is without supply."""

    title_zh = "所指范围内没有仍停供的用户"


class ReasonNeeded(Invalid):
    """No crew has said so: a reason is needed to note all who remain as restored."""

    title_zh = "尚无班组报告恢复：将其余用户全部记为恢复须填写原因"


class NotCutOff(Invalid):
    """The account is not one that this outage cut off."""

    title_zh = "该户不在此停电事件的受影响范围内"


class ConfirmedMeanwhile(Conflict):
    """Somebody else has confirmed a device for this outage in the meantime."""

    title_zh = "他人刚刚已为该停电事件确认了设备"


CONSTRAINT_PROBLEMS: dict[str, type[Problem]] = {ONE_STANDING_CONFIRMATION: ConfirmedMeanwhile}
