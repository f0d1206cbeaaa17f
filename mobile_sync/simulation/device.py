"""A tablet of the simulation: the real client over a disk that fills up and a clock that lies; it may be dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from mobile_sync.kept import Kept, MemoryStorage
from mobile_sync.link import Refused
from mobile_sync.replica import Replica
from mobile_sync.settling import pending_keys
from mobile_sync.simulation.faults import Died, Fuse, Tally
from mobile_sync.simulation.network import Network, SimLink
from mobile_sync.tablet import Tablet


@dataclass
class Disk(MemoryStorage):
    """Keeps whole states; dies before or after, and refuses when it is full."""

    fuse: Fuse
    full: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def save(self, kept: Kept, contents: Mapping[str, bytes]) -> None:
        """One local transaction."""
        if self.full:
            raise OSError(28, "No space left on device")
        self.fuse.burn("keeps")
        super().save(kept, contents)
        self.fuse.burn("has kept")


@dataclass
class WrongClock:
    """The server's clock and an error; the ends of time stop it."""

    true: Callable[[], datetime]
    error: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        """What the tablet believes."""
        try:
            return self.true() + self.error
        except OverflowError:
            return datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Recorded:
    """An op as the person made it.

    `sure`: the device held its record. `doubts`: how often the server had forgotten what the device held, until then.
    `seen`: the record as the person saw it.
    """

    op: Mapping[str, Any]
    key: str
    word: Any
    sure: bool
    doubts: int
    seen: Mapping[str, Any]


@dataclass
class SimDevice:
    """One tablet. `recorded`: everything its person ever made, by the mark each op carries."""

    id: UUID
    network: Network
    tally: Tally
    clock: WrongClock
    careful: bool
    streams: bool
    fuse: Fuse = field(init=False)
    disk: Disk = field(init=False)
    tablet: Tablet = field(init=False)
    tablet_kind: type[Tablet] = Tablet
    recorded: dict[int, Recorded] = field(default_factory=dict)
    revs: dict[str, int] = field(default_factory=dict)
    revs_of: str | None = None
    revoked: bool = False
    corrupted: bool = False
    final_since: dict[int, datetime] = field(default_factory=dict)
    originals: dict[str, datetime] = field(default_factory=dict)
    lost_marks: set[int] = field(default_factory=set)  # final ops let go after thirty days
    by_receipt: set[int] = field(default_factory=set)  # ops that a receipt settled, once

    def __post_init__(self) -> None:
        self.fuse = Fuse(self._died)
        self.disk = Disk(self.fuse)
        link = SimLink("http://sim/", "", network=self.network, device_id=self.id, fuse=self.fuse, careful=self.careful)
        self.link = link
        self.tablet = self.tablet_kind(link, self.clock, storage=self.disk)
        self.tablet.snapshot = link.snapshot if self.streams else None

    def _died(self, what: str) -> None:
        self.tally.faults["tablet died"] += 1
        self.tally.crashes[f"tablet: {what}"] += 1

    def attempt(self, work: Callable[[], object]) -> bool:
        """As the app does: whatever goes wrong is tried again another day. True if it went through.

        A link that breaks kills nobody: what a pull has brought so far waits for the rest (L14).
        """
        try:
            work()
        except Died:
            self.tablet.restart()
            return False
        except Refused:
            self.tally.faults["refused"] += 1
            self.tablet.restart()
            return False
        except OSError as error:
            if error.errno == 28:
                self.tally.faults["disk full"] += 1
                self.tablet.restart()
            return False
        return True

    def upgrade(self, version: int) -> None:
        """A newer app over the same disk."""
        self.tablet.schema_version = version

    def pending(self) -> set[str]:
        """Records with unsent ops."""
        return pending_keys(self.tablet.kept)

    def begin_anew(self) -> None:
        """Its replica is gone, and must be brought again (L13); what its person made is kept."""
        self.tally.faults["begun anew"] += 1
        self.tablet.storage.save(replace(self.tablet.kept, replica=Replica()), {})
        self.tablet.restart()

    def corrupt(self, rng: Random) -> None:
        """A row of the replica is not what it was: lost, invented, or of another seq (I24)."""
        members = self.tablet.replica.members
        filled = sorted(bucket for bucket, held in members.items() if held)
        if not filled:
            return
        self.tally.faults["row corrupted"] += 1
        self.corrupted = True
        bucket = rng.choice(filled)
        key = rng.choice(sorted(members[bucket]))
        match rng.randrange(3):
            case 0:
                del members[bucket][key]
            case 1:
                members[bucket][key] += 1
            case _:
                members[bucket]["thing/ghost"] = 1
                self.tablet.replica.docs["thing/ghost"] = {"rev": 1, "doc": {}}
