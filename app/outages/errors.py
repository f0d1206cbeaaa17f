"""What the outages room refuses."""

from __future__ import annotations

from app.kernel.problems import Conflict, Invalid


class OutageClosed(Conflict):
    """The outage is closed or merged; nothing can join it any more."""

    title_zh = "该停电事件已关闭或已合并，不能再并入"


class UnknownPremises(Invalid):
    """There is no such premises."""

    title_zh = "没有这个用电/用气地址"


class UnknownOutage(Invalid):
    """There is no such outage."""

    title_zh = "没有这个停电事件"


class OtherSupply(Invalid):
    """Only outages of one branch and one kind of supply can be one."""

    title_zh = "只有同一单位、同一类供应的停电事件才能合并"


class NotMerged(Conflict):
    """It is not merged into that outage now."""

    title_zh = "该停电事件当前没有并入此事件"


class CauseConfirmed(Conflict):
    """A device is confirmed as its cause; take that back before it is made one with another."""

    title_zh = "该停电事件已确认故障设备，合并前请先撤销确认"
