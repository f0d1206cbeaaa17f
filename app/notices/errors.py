"""What notices refuse, and what a carrier fails with."""

from __future__ import annotations

from app.kernel.problems import Conflict


class NotGivenUp(Conflict):
    """It is not one that was given up."""

    title_zh = "该通知不是发送失败的通知"


class NotDelivered(Exception):
    """A carrier did not take a message; the reason is a code that screens have words for."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
