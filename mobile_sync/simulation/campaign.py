"""Many runs and their sum. A failing seed says where, and can be played again with a trace."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mobile_sync.simulation.ending import finish
from mobile_sync.simulation.events import happen
from mobile_sync.simulation.faults import Tally, Violation
from mobile_sync.simulation.in_memory import MemoryHouse
from mobile_sync.simulation.truth import LedgerRow, Truth
from mobile_sync.simulation.world import MakeHouse, Parts, World
from mobile_sync.tablet import Tablet

CLOCKS_COMPARED_EVERY = 10


def memory_house(parts: Parts) -> MemoryHouse:
    """The sound server in memory."""
    return MemoryHouse(parts.clock, parts.new_id, parts.fuse, parts.trouble, at_once=parts.at_once)


@dataclass(frozen=True)
class Failure:
    """A seed whose run broke an invariant, or broke down."""

    seed: int
    invariant: str
    what: str


@dataclass
class Summary:
    """Of a campaign."""

    store: str
    seeds: int = 0
    seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)
    failures: list[Failure] = field(default_factory=list)

    def line(self) -> str:
        """All of it in one line."""
        tally = self.tally
        failed = ", ".join(f"seed {one.seed} {one.invariant}" for one in self.failures) or "none"
        crashes = f"crashes={tally.crashes.total()} at {len(tally.crashes)} of {len(tally.passed)} steps"
        return (
            f"store={self.store} seeds={self.seeds} steps={tally.steps} seconds={self.seconds:.1f} "
            f"ops=[{_listed(tally.results)}] {crashes} faults=[{_listed(tally.faults)}] "
            f"checked=[{_listed(tally.checks)}] failures=[{failed}]"
        )

    def add(self, other: Summary) -> None:
        """Of other seeds, run beside these."""
        self.seeds += other.seeds
        self.tally.add(other.tally)
        self.failures = sorted([*self.failures, *other.failures], key=lambda one: one.seed)


def _listed(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {times}" for name, times in sorted(counted.items(), key=_in_order) if times)


def _in_order(item: tuple[str, int]) -> tuple[str, int]:
    digits = "".join(letter for letter in item[0] if letter.isdigit())
    return (item[0].rstrip("0123456789"), int(digits or 0))


@dataclass(frozen=True)
class Campaign:
    """How runs are made: over which house, with which client, and what of their plans is not left to the seed."""

    make_house: MakeHouse = memory_house
    tablet_kind: type[Tablet] = Tablet
    store: str = "memory"
    forced: Mapping[str, Any] = field(default_factory=dict)

    def run(self, seed: int, tally: Tally, *, trace: list[str] | None = None, clocks: str | None = None) -> Truth:
        """One run, counted in `tally`; the truth it ended in.

        Raises:
            Violation: an invariant does not hold.
        """
        forced = {**self.forced, "clocks": clocks} if clocks else self.forced
        world = World(seed, self.make_house, self.tablet_kind, trace, forced, tally)
        try:
            for _ in range(world.plan.steps):
                happen(world)
            return finish(world)
        finally:
            world.close()

    def check(self, seed: int, tally: Tally) -> None:
        """One run; now and then a second one in which all clocks are right, which must end the same (I25).

        Raises:
            Violation: an invariant does not hold.
        """
        if seed % CLOCKS_COMPARED_EVERY:
            self.run(seed, tally)
            return
        wrong, right = (_timeless(self.run(seed, tally, clocks=clocks)) for clocks in (_wrongly(seed), "right"))
        tally.checks["I25"] += 1
        if wrong != right:
            raise Violation("I25", "it ended otherwise because clocks were wrong")

    def traced(self, seed: int) -> list[str]:
        """The same run again, a line a step; it ends where it broke."""
        trace: list[str] = []
        clocks = None if seed % CLOCKS_COMPARED_EVERY else _wrongly(seed)
        with _quiet_engine():
            failure = _failure_of(lambda: self._run_quietly(seed, trace, clocks), seed)
        return trace if failure is None else [*trace, failure.what]

    def _run_quietly(self, seed: int, trace: list[str], clocks: str | None) -> None:
        self.run(seed, Tally(), trace=trace, clocks=clocks)

    def over(self, seeds: Iterable[int], *, most_failures: int = 10) -> Summary:
        """All seeds, or until enough has failed."""
        summary = Summary(self.store)
        began = time.monotonic()
        with _quiet_engine():
            for seed in seeds:
                summary.seeds += 1
                failure = _failure_of(lambda seed=seed: self.check(seed, summary.tally), seed)  # type: ignore[misc]
                if failure is not None:
                    summary.failures.append(failure)
                if len(summary.failures) >= most_failures:
                    break
        summary.seconds = time.monotonic() - began
        return summary


def _wrongly(seed: int) -> str:
    """In which way clocks are wrong where the ends are compared."""
    return "jumping" if seed // CLOCKS_COMPARED_EVERY % 2 else "wrong"


def _failure_of(work: Callable[[], None], seed: int) -> Failure | None:
    """A violation, or anything else that comes out of code that must not break."""
    try:
        work()
    except Violation as violation:
        return Failure(seed, violation.name, str(violation))
    except Exception as error:
        return Failure(seed, type(error).__name__, repr(error))
    return None


def _timeless(truth: Truth) -> Truth:
    """Without what devices wrote about the time; a life is called by its number, for a database makes its name up."""
    lives: dict[Any, int] = {}
    ledger = {}
    for number, row in sorted(truth.ledger.items()):
        told = {"epoch": lives.setdefault(row.body["epoch"], len(lives))} if "epoch" in row.body else {}
        ledger[number] = LedgerRow({**row.body, "device_at": "", **told}, row.status, row.result)
    return replace(truth, ledger=ledger)


@contextmanager
def _quiet_engine() -> Iterator[None]:
    """The engine logs every op that broke the application; here that is what ops are for."""
    logger = logging.getLogger("mobile_sync")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
