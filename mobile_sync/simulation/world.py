"""One run: a seed decides who does what, what breaks and when; all is checked while it happens and at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from mobile_sync.simulation import shop
from mobile_sync.simulation.convoy import Convoy
from mobile_sync.simulation.device import SimDevice, WrongClock
from mobile_sync.simulation.faults import Fuse, Tally, Violation
from mobile_sync.simulation.house import House
from mobile_sync.simulation.live import check_files, check_outbox, check_pulled
from mobile_sync.simulation.network import FATES, FLIPPED, Network
from mobile_sync.simulation.person import Person
from mobile_sync.simulation.truth import ContestRow
from mobile_sync.simulation.watch import Watch
from mobile_sync.tablet import Tablet
from mobile_sync.testing import Ticker

BEGINNING = datetime(2026, 7, 16, tzinfo=UTC)
STRESSES = ("none", "restores", "purges", "crashes", "clocks", "losses", "arrivals", "convoys")
STEPS, WEIGHTS = (12, 24, 70), (4, 4, 1)


@dataclass
class Plan:
    """What of all that can happen does happen in this run; a run with everything never gets anywhere."""

    steps: int
    tablets: int
    storms: bool
    weather: dict[str, float]
    limit: int
    page: int
    at_once: bool
    chunk: int
    clocks: str
    restores: bool
    upgrades: bool
    long_waits: bool
    crashes: float
    stress: str
    topics: frozenset[str]
    streams: bool

    @classmethod
    def drawn(cls, rng: Random) -> Plan:
        """By the seed alone."""
        storms = rng.random() < 0.7
        stress = rng.choices(STRESSES, (10, 4, 2, 2, 1, 1, 6, 3))[0]
        storms = storms or stress == "arrivals"
        fates = [fate for fate in FATES if rng.random() < 0.5]
        weather = {fate: rng.choice((0.02, 0.1, 0.25)) * (1 + 2 * (fate == FLIPPED)) for fate in fates}
        return cls(
            steps=rng.choices(STEPS, WEIGHTS)[0],
            tablets=rng.randint(2, 4),
            storms=storms,
            weather={**weather, "answer cut": 0.3} if stress == "arrivals" else weather if storms else {},
            limit=rng.choice((1, 2, 3, 5, 50)),
            page=rng.choice((1, 2, 3, 5, 50)) if stress != "arrivals" else rng.choice((1, 2, 3)),
            at_once=rng.random() < 0.5,
            chunk=rng.choice((7, 30, 200)),
            clocks=rng.choice(("right", "wrong", "jumping")),
            restores=stress in ("restores", "convoys") or rng.random() < 0.1,
            upgrades=rng.random() < 0.3,
            long_waits=rng.random() < (0.6 if stress in ("restores", "convoys") else 0.3),
            crashes=rng.choice((0.0, 0.1, 0.3)),
            stress=stress,
            topics=frozenset(rng.sample(shop.TOPICS, 4) if rng.random() < 0.6 else shop.TOPICS),
            streams=stress == "arrivals" or rng.random() < 0.6,
        )


MakeHouse = Callable[["Parts"], House]


@dataclass
class Parts:
    """What a house is made from."""

    clock: Ticker
    new_id: Callable[[], UUID]
    fuse: Fuse
    trouble: Fuse
    tally: Tally
    at_once: bool


@dataclass
class World:
    """Everything there is in a run.

    `trace`: what happened, a line each, if somebody wants to know. `forced`: of the plan, whatever the seed says.
    """

    seed: int
    make_house: MakeHouse
    tablet_kind: type[Tablet] = Tablet
    trace: list[str] | None = None
    forced: Mapping[str, Any] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    restored: int = 0
    saved: bool = False
    shared: dict[str, int] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)
    forgotten: Counter[UUID] = field(default_factory=Counter)
    open: list[int] = field(default_factory=list)
    convoy: Convoy = field(default_factory=Convoy)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.plan = replace(Plan.drawn(self.rng), **self.forced)
        self.tally.checks["many at once" if self.plan.at_once else "one by one"] += 1
        self.clock = Ticker(BEGINNING)
        self.marks = 0
        fuse, trouble = Fuse(self._server_dies), Fuse(self._database_gives_up)
        self.house = self.make_house(Parts(self.clock, self.new_id, fuse, trouble, self.tally, self.plan.at_once))
        self.watch = Watch(self.house, self.tally)
        self.network = Network(self.house, self.watch, self.rng, self.tally, dict(self.plan.weather))
        if self.trace is not None:
            self.network.tell = self.say
        self.photos = [self.rng.randbytes(50) for _ in range(3)]
        self.devices = [self._device() for _ in range(self.plan.tablets)]
        self.give_scope(self.devices[1], self.watch.scopes[self.devices[0].id])  # two tablets of one person

    def new_id(self) -> UUID:
        """The seed's next id."""
        return UUID(int=self.rng.getrandbits(128), version=4)

    def new_mark(self) -> int:
        """Never the same twice."""
        self.marks += 1
        return self.marks

    def _server_dies(self, what: str) -> None:
        self.tally.crashes[f"server: {what}"] += 1
        self.say(f"  the server dies: {what}")

    def _database_gives_up(self, what: str) -> None:
        self.tally.faults["database gave up"] += 1
        self.say(f"  the database gives up: {what}")

    def note(self, event: str) -> None:
        """Something went wrong that this run is about."""
        self.happened[event] += 1
        self.tally.faults[event] += 1

    def say(self, line: str) -> None:
        """A line of the trace."""
        if self.trace is not None:
            self.trace.append(line)

    def _device(self) -> SimDevice:
        clock = WrongClock(self.clock)
        careful = self.rng.random() < 0.6
        told = (self.network, self.tally, clock, careful, self.plan.streams)
        device = SimDevice(self.new_id(), *told, tablet_kind=self.tablet_kind)
        error = self.odd_error()
        if self.plan.clocks != "right":
            self.set_clock(clock, error)
        self.give_scope(device, frozenset(self.rng.sample(shop.BUCKETS, self.rng.randint(1, len(shop.BUCKETS)))))
        return device

    def set_clock(self, clock: WrongClock, error: timedelta) -> None:
        """It is wrong by so much from now on."""
        clock.error = error
        self.tally.faults["clock years off"] += abs(error) > timedelta(days=365)

    def odd_error(self) -> timedelta:
        """From a second to years, either way."""
        return timedelta(seconds=self.rng.choice((-1, 1)) * self.rng.choice((1, 3_600, 86_400 * 30, 86_400 * 365 * 14)))

    def give_scope(self, device: SimDevice, buckets: frozenset[str]) -> None:
        """These buckets from now on."""
        self.watch.scopes[device.id] = buckets
        self.house.scope(device.id, sorted(buckets))

    def person(self, device: SimDevice) -> Person:
        """Whoever holds the tablet."""
        mind = (self.new_mark, self.new_id, self.sure_of, self.doubts)
        return Person(device, self.rng, *mind, self.photos, self.plan.topics)

    def sure_of(self, device: SimDevice, key: str) -> bool:
        """The device and the server agree, now, that it holds the record: no later doubt is justified (S5)."""
        scope = self.watch.scopes[device.id] & self.house.subscribed(device.id)
        members = device.tablet.replica.members
        row = self.house.held_by(device.id).get(key)
        here = {bucket for bucket, held in members.items() if key in held}
        return row is not None and bool(here & scope & row.buckets) and not self.plan.restores

    def doubts(self, device: SimDevice) -> int:
        """Grows when the server forgets who held what without waiting for this device, silent for long (T4)."""
        return self.forgotten[device.id]

    # what tablets do over the network, each followed by its checks

    def syncs(self, device: SimDevice) -> bool:
        """Push, pull, files; True if all of it went through."""
        went = self.pushes(device)
        went = self.pulls(device) and went
        return self.uploads(device) and went

    def pushes(self, device: SimDevice) -> bool:
        """The outbox."""
        return self._checked(device, lambda: device.tablet.push(limit=self.plan.limit))

    def pulls(self, device: SimDevice) -> bool:
        """The buckets."""
        if device.revoked:
            return self._checked(device, lambda: device.tablet.push(limit=self.plan.limit, ask=True))
        begun = any("left" in page for page in device.tablet.staged)
        pulled = self._checked(device, lambda: device.tablet.pull(limit=self.plan.page))
        if pulled:
            self.tally.checks["L14"] += begun
            check_pulled(self.house, device, self.tally)
            self._note_circumstances()
            pulled = self.pushes(device)
        return pulled

    def _note_circumstances(self) -> None:
        """What I1 has just been shown to hold under."""
        under = {"I9": "moved A-B-A", "I22": "schema upgrade", "I23": "purge"}
        self.tally.checks.update(name for name, event in under.items() if self.happened[event])
        self.tally.checks["I5"] += bool(self.open)

    def decide(self, contest: ContestRow) -> None:
        """A person resolves a conflict; whoever comes second is refused, and nothing changes (I15)."""
        value = contest.mine if self.rng.random() < 0.5 else f"r{self.new_mark()}"
        if self.house.resolve(contest.id, value):
            before = self.house.truth()
            self.tally.checks["I15"] += 1
            if self.house.resolve(contest.id, "again") or self.house.truth() != before:
                raise Violation("I15", f"conflict {contest.id} was resolved twice")

    def uploads(self, device: SimDevice) -> bool:
        """The files."""
        if device.revoked:
            return True
        return self._checked(device, lambda: device.tablet.upload(device.link, chunk_bytes=self.plan.chunk))

    def close(self) -> None:
        """What was learnt is kept, the rest is not."""
        self.tally.passed.update(f"server: {step}" for step in self.house.fuse.passed)
        self.tally.passed.update(f"tablet: {step}" for device in self.devices for step in device.fuse.passed)
        self.house.close()

    def _checked(self, device: SimDevice, work: Callable[[], object]) -> bool:
        went = device.attempt(work)
        check_outbox(device, self.clock.at, self.tally)
        check_files(device, self.clock.at, self.tally)
        return went
