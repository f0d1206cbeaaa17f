"""Bugs planted one by one: the simulation must tell each by the invariant it breaks, and nothing where there is none.

No check knows which bug is planted. `FOUND`: what the simulation found in this engine, as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from mobile_sync.memory.files import MemoryFiles
from mobile_sync.simulation.campaign import Campaign
from mobile_sync.simulation.in_memory import BusyServer, MemoryHouse
from mobile_sync.simulation.world import MakeHouse, Parts
from mobile_sync.tablet import Tablet
from tests.mobile_sync import plants
from tests.mobile_sync.plants import with_feed, with_ledger

pytestmark = pytest.mark.usefixtures("untraced")


@dataclass(frozen=True)
class Plant:
    """A bug: where it sits, the invariant or the rule that it breaks, and a seed that shows it in runs of this plan."""

    name: str
    breaks: str
    seed: int
    house: type[MemoryHouse] = MemoryHouse
    server: type[BusyServer] = BusyServer
    files: type[MemoryFiles] = MemoryFiles
    tablet: type[Tablet] = Tablet
    plan: Mapping[str, Any] = field(default_factory=dict)
    patch: Callable[[pytest.MonkeyPatch], None] = field(default=lambda _patch: None)

    def campaign(self) -> Campaign:
        return Campaign(self._house(), self.tablet, forced=self.plan)

    def _house(self) -> MakeHouse:
        def make(parts: Parts) -> MemoryHouse:
            fuses = (parts.fuse, parts.trouble)
            return self.house(parts.clock, parts.new_id, *fuses, self.server, self.files, parts.at_once)

        return make


LONG = {"steps": 70}
CLOCKS = {"steps": 70, "clocks": "jumping", "stress": "clocks", "topics": {"shelf"}, "restores": False}
WRONG_CLOCKS = {"steps": 70, "clocks": "wrong"}
PURGES = {"steps": 70, "stress": "purges", "topics": {"shelf"}, "restores": False}
SHELVED = {"steps": 70, "stress": "purges", "restores": False, "long_waits": True}
OTHER_LIVES = {"steps": 70, "stress": "restores", "restores": True, "weather": {}}
LATE = {"steps": 70, "stress": "restores", "restores": True, "long_waits": True, "weather": {"request doubled": 0.3}}
ARRIVALS = {"steps": 70, "stress": "arrivals", "streams": True, "page": 1, "weather": {"answer cut": 0.3}}
STAGED = {**PURGES, "streams": True, "page": 1, "weather": {"answer cut": 0.3}}
CONVOYS = {
    **{"steps": 70, "stress": "convoys", "restores": True, "long_waits": True, "tablets": 2, "crashes": 0.0},
    **{"limit": 50, "page": 50},
}
UPGRADED = {"steps": 70, "upgrades": True}
TITLES = {**OTHER_LIVES, "topics": {"title"}}
PRICES = {"steps": 70, "topics": {"price"}}
LOSSES = {"steps": 70, "stress": "losses", "tablets": 3, "chunk": 7, "storms": True, "weather": {"request lost": 0.3}}

FOUND = (
    Plant("held by the clock", "S5", 25, server=with_ledger(plants.HeldByTheClock), plan=CLOCKS),
    Plant("letters appended", "I13", 45, patch=plants.letters_appended, plan={"topics": {"log"}}),
    Plant("reading device too old", "A3", 52, patch=plants.reading_is_too_old, plan={**PURGES, "page": 1}),
    Plant("receipt by the device's clock", "B9", 16, tablet=plants.ReceiptByOwnClock),
    Plant("never asks after a restore", "A1", 13, tablet=plants.NeverAsks, plan=OTHER_LIVES),
    Plant("batch of another life", "P19", 0, patch=plants.late_batches_taken, plan=LATE),
    Plant("revisions of any life", "M13", 197, patch=plants.revisions_of_any_life, plan=TITLES),
    Plant("own words of an older schema", "I14", 5, server=with_ledger(plants.OwnWordsForgotten), plan=UPGRADED),
    Plant("staged pages of any age", "I1", 513, tablet=plants.GoesOnForEver, plan=STAGED),
    Plant("long groups wait", "A3", 11, patch=plants.long_groups_wait),
    Plant("bundle of any life", "V1", 443, patch=plants.bundle_of_any_life, plan=CONVOYS),
    Plant("receipt over a result", "A2", 26, patch=plants.receipt_over_result, plan=CONVOYS),
)
PLANTED = (
    Plant("naive cursor", "I1", 5, server=plants.NaiveCursor),
    Plant("missing exit", "I1", 2, server=plants.NoExit),
    Plant("page begins too late", "I1", 0, server=with_feed(plants.RowsSkipped)),
    Plant("cut stream taken for whole", "I1", 4, tablet=plants.CutTakenForWhole, plan=ARRIVALS),
    Plant("cursor before rows", "I1", 11, tablet=plants.CursorFirst, plan={**LONG, "crashes": 0.3}),
    Plant("documents from a cache", "I2", 37, house=plants.CachedDocuments, plan=LONG),
    Plant("no new life after a restore", "I6", 0, house=plants.SameLife, plan=OTHER_LIVES),
    Plant("client drops the outbox on a reset", "I10", 23, tablet=plants.DropsOutboxOnReset),
    Plant("ops leave with their record", "I10", 5, tablet=plants.DropsWithScope),
    Plant("done when sent", "A1", 42, tablet=plants.DoneWhenSent),
    Plant("never sent again after a restore", "A1", 32, tablet=plants.NeverSentAgain, plan=OTHER_LIVES),
    Plant("replay executed twice", "I12", 5, server=with_ledger(plants.RunAgain)),
    Plant("non-atomic ledger", "P3", 110, server=plants.LedgerApart),
    Plant("conflict written nowhere", "I13", 19, server=with_ledger(plants.ConflictDropped)),
    Plant("history not asked", "M4", 22, server=with_ledger(plants.HistoryNotAsked)),
    Plant("device always wins", "M4", 22, house=plants.DeviceAlwaysWins),
    Plant("one waits and all wait", "I16", 5, patch=plants.one_waits_all_wait),
    Plant("never-fields merged", "I17", 0, house=plants.NeverMerged, plan={"topics": {"seal"}}),
    Plant("file finished without its hash", "I18", 108, files=plants.HashUnread),
    Plant(
        "half files of the revoked stay",
        "I21",
        48,
        files=plants.HalfFilesStay,
        plan=LOSSES,
    ),
    Plant("declared files collected", "I19", 22, files=plants.CollectsTheDeclared, plan=SHELVED),
    Plant("no upcasters", "I22", 1, house=plants.NoUpcasters, plan=UPGRADED),
    Plant("exits forgotten", "I1", 28, server=with_feed(plants.ExitsForgotten), plan=PURGES),
    Plant("checksum not looked at", "I24", 7, tablet=plants.NoChecksum, plan=LONG),
    Plant("the later device clock wins", "I13", 22, server=plants.LateClockWins),
    Plant("the later device clock decides", "I25", 60, patch=plants.later_clock_decides, plan=PRICES),
    Plant("scope by the device's clock", "S5", 32, patch=plants.scope_by_device_clock, plan=WRONG_CLOCKS),
)
PLANTS = (*FOUND, *PLANTED)
WITHIN = 3  # seeds: a small change of the simulation need not shift a bug far


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_bug_breaks_its_invariant(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.patch(monkeypatch)
    found = plant.campaign().over(range(plant.seed, plant.seed + WITHIN), most_failures=WITHIN)
    told = sorted({failure.invariant for failure in found.failures})
    assert plant.breaks in told, f"{plant.name} broke {told} from seed {plant.seed} on, not {plant.breaks}"


def test_the_same_parts_without_a_plant_are_sound() -> None:
    assert Plant("none", "", 0).campaign().over(range(200)).failures == []
