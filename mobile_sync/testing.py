"""What tests of an application and of clients need: a server in memory and a clock that moves when told."""

from __future__ import annotations

from datetime import datetime, timedelta

from mobile_sync.memory.server import MemoryCollection, MemoryServer
from mobile_sync.memory.state import State, Version

__all__ = ["MemoryCollection", "MemoryServer", "State", "Ticker", "Version"]


class Ticker:
    """A clock that moves when told."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """Now."""
        return self.at

    def tick(self, **step: float) -> datetime:
        """Move on by `timedelta(**step)`."""
        self.at += timedelta(**step)
        return self.at
