"""What the live stream refuses."""

from __future__ import annotations

from app.kernel.problems import TooManyRequests, Unavailable


class StreamsFull(Unavailable):
    """All places for live screens are taken; try again shortly."""

    title_zh = "实时连接数已满，请稍后重试"


class TooManyStreams(TooManyRequests):
    """You have too many live screens open; close one."""

    title_zh = "您打开的实时页面过多，请先关闭一个"
