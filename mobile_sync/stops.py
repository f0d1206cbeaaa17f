"""Ops that cannot be judged now: held or quarantined, with the reason."""

from __future__ import annotations

from typing import Any

from mobile_sync.protocol import Refusal, Status


class Stopped(Exception):
    """The op waits: for another op, or for a person."""

    def __init__(self, status: Status, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.status = status
        self.refusal = refusal


def quarantined(code: str, **params: Any) -> Stopped:
    """A person at the centre must look (P10)."""
    return Stopped(Status.QUARANTINED, Refusal(code, params))


def held(code: str, op_no: int) -> Stopped:
    """Waits for op `op_no` (P8, P12)."""
    return Stopped(Status.HELD, Refusal(code, {"op_no": op_no}))
