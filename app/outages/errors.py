"""What the outages room refuses."""

from __future__ import annotations

from app.kernel.problems import Conflict, Invalid


class OutageClosed(Conflict):
    """The outage is closed; a call cannot join it any more."""

    title_zh = "该停电事件已关闭，不能再并入来电"


class UnknownPremises(Invalid):
    """There is no such premises."""

    title_zh = "没有这个用电/用气地址"


class UnknownOutage(Invalid):
    """There is no such outage."""

    title_zh = "没有这个停电事件"
