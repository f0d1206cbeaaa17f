"""What the map refuses."""

from __future__ import annotations

from app.kernel.problems import Invalid, NotFound


class TileOutOfRange(Invalid):
    """There is no such tile."""

    title_zh = "瓦片坐标超出范围"


class UnknownLayer(NotFound):
    """There is no such layer."""

    title_zh = "没有此图层"
