"""What the simulation asks of a server, whatever it is made of: HTTP in bytes, a desk, disasters, and the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from mobile_sync.bundle import Header
from mobile_sync.simulation.faults import Fuse
from mobile_sync.simulation.truth import RecordRow, Truth


@dataclass(frozen=True, slots=True)
class Call:
    """A request as bytes. `promised`: the length its header says, more than the body when it was cut."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as bytes. `broken`: of a stream, that ended before its time, behind one of its lines."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: bool = False


class House(Protocol):
    """A server under test. `fuse` kills its process, `trouble` makes its database give up once, `full` is its disk."""

    fuse: Fuse
    trouble: Fuse
    full: bool

    def handle(self, device_id: UUID, call: Call) -> Answer:
        """One request; `Died` when the process went away under it."""

    def seal(self, header: Header, ops: Sequence[Mapping[str, Any]], content: Callable[[str], bytes]) -> bytes:
        """A bundle as its devices seal it to this server."""

    def receipt(self, body: bytes) -> Mapping[str, Any]:
        """What the receipt in the answer to a bundle says; `ValueError` where the answer was cut."""

    # the desk

    def begin(self) -> int:
        """A transaction that stays open; its number."""

    def write(self, tx: int | None, rec_id: UUID, fields: Mapping[str, Any] | None) -> None:
        """Write fields, or delete (None); in an open transaction, or in one of its own (None)."""

    def end(self, tx: int, *, commit: bool) -> None:
        """Commit or roll back."""

    def busy(self) -> set[UUID]:
        """Records that open transactions have locked."""

    def known(self) -> list[UUID]:
        """Live records, in order."""

    def resolve(self, conflict_id: UUID, value: Any) -> bool:
        """A person decides; False when somebody has decided already."""

    def scope(self, device_id: UUID, buckets: Sequence[str]) -> None:
        """The device has these buckets from now on."""

    def revoke(self, device_id: UUID) -> None:
        """The device is lost."""

    # what happens to servers

    def backup(self) -> None:
        """Remember everything as it is."""

    def restore(self) -> None:
        """Everything is as it was remembered, and a new life begins."""

    def upgrade(self) -> None:
        """The next schema version: records, history and documents in its shape."""

    def purge(self, patience: timedelta) -> None:
        """Forget exits that no device needs which has pulled within `patience`, and files nobody finishes."""

    def close(self) -> None:
        """Give everything back."""

    # for the checks

    @property
    def version(self) -> int:
        """The schema version it speaks."""

    @property
    def life(self) -> str:
        """The epoch."""

    def subscribed(self, device_id: UUID) -> frozenset[str]:
        """The buckets it knows the device to have since its last pull."""

    def taken(self, device_id: UUID) -> int:
        """The highest op_no it has a result for."""

    def heard(self, device_id: UUID) -> datetime | None:
        """When it last pulled, as far as the server remembers."""

    def held_by(self, device_id: UUID) -> Mapping[str, RecordRow]:
        """What a device that has just pulled must hold."""

    def check_contents(self) -> None:
        """Every verified file reads back as its hash says (I18).

        Raises:
            Violation: one does not.
        """

    def truth(self) -> Truth:
        """Everything."""
