"""What a GIS program is refused."""

from __future__ import annotations

from app.kernel.problems import Invalid, NotFound


class UnknownCollection(NotFound):
    """There is no such collection."""

    title_zh = "没有此数据集"


class BadParameter(Invalid):
    """A parameter of the address is unknown or cannot be read."""

    status = 400  # OGC 17-069r4, /req/core/query-param-invalid and /req/core/query-param-unknown
    title_zh = "地址参数未知或无法识别"
