"""The one place that asks the machine what time it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, aware, UTC, microseconds."""
    return datetime.now(UTC)


class FrozenClock:
    """A clock that moves only when told; for tests and replays."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def tick(self, **step: float) -> datetime:
        """Move on by `timedelta(**step)`; returns the new time."""
        self.at += timedelta(**step)
        return self.at
