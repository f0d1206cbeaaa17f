"""What the fleet refuses."""

from __future__ import annotations

from app.kernel.problems import Conflict


class OpSettled(Conflict):
    """The record has its result already; nothing was changed."""

    title_zh = "该记录已有处理结果，未作任何更改"
