"""From calls to cause: the most probable set of failed devices. No database, no clock.

A house is dark when a device at its node or above it has failed. Of all sets F of failed devices `predict` finds,
exactly, the one of greatest posterior probability (maximum a posteriori). With π the failure rate of a device, p the
call rate, g the gasp rate and h the house rate of the `Model`:

    log P(F | evidence) = Σ_{d ∈ F} log π + Σ_{d ∉ F} log (1 − π)
                        + Σ_{dark node} [calls·log p + (customers − calls)·log (1 − p)
                                         + gasps·log g + (meters − gasps)·log (1 − g)]
                        + Σ_{lit node}  [houses·log h + (customers − houses)·log (1 − h)] + constant

So silent customers speak against a fault as callers speak for it. `houses` of a lit node are those without supply for a
reason of their own: the greater of its calls and gasps, since a house that calls and whose meter gasps is one house.
Nobody knows the call rate while calls still come in: it is taken to be the one of `Model.call_rates` under which the
best set is most probable.

What is known beyond reports is no likelihood but a rule: a node that has power forbids every device above it, a device
reported closed forbids itself, and a device that a crew found failed has failed (`evidence.usable` settles what
contradicts it).

The search goes from the leaves up: either a device fails and all below it is dark, or it is whole and each child is at
its best. Where nothing was reported nothing fails (h < p and π < ½), so only paths above reports are walked: the cost
goes with the reports, not with the network.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import inf, log
from typing import Any

import numpy as np

from app.outages.evidence import DeviceKind, Evidence, Forest, Integers, SetAside, running, usable


def _assumed(default: Any, source: str, confidence: str) -> Any:
    """A parameter's default with its source and confidence: A read, B well known, C remembered, D our own choice."""
    return field(default=default, metadata={"source": source, "confidence": confidence})


@dataclass(frozen=True)
class Model:
    """Probabilities within one storm, or one quiet shift. **Every default is an assumption.**

    Raises:
        ValueError: a rate outside the bounds within which the search is exact.
    """

    breaker: float = _assumed(0.002, "as `fuse`: no count by kind is at hand", "D")
    switch: float = _assumed(0.002, "as `fuse`; stands for the line behind it too", "D")
    transformer: float = _assumed(0.002, "as `fuse`", "D")
    fuse: float = _assumed(0.002, "the storm supposed for the benchmark: 40 faults among 17,769 devices", "D")
    call_rates: tuple[float, ...] = _assumed(
        (0.05, 0.1, 0.2, 0.35, 0.5),
        "share of the dark who have called: first minutes to a whole evening",
        "D",
    )
    gasp_rate: float = _assumed(0.9, "nine last-gasp messages of ten get through: the premise of the design", "D")
    house_rate: float = _assumed(0.0005, "the same storm: 50 single-house complaints among 108,189 customers", "D")

    def __post_init__(self) -> None:
        if not all(0 < rate < 0.5 for rate in (*self.failure_rates(), self.house_rate)):
            raise ValueError("failure rates and house_rate must lie between 0 and ½")
        if not self.call_rates or not all(self.house_rate < rate < 1 for rate in (*self.call_rates, self.gasp_rate)):
            raise ValueError("call_rates and gasp_rate must lie between house_rate and 1")

    def failure_rates(self) -> list[float]:
        """The rate of each `DeviceKind`, by its number."""
        return [getattr(self, kind.name.lower()) for kind in DeviceKind]

    @classmethod
    def assumptions(cls) -> dict[str, tuple[Any, str, str]]:
        """Of each parameter the default, its source and its confidence."""
        return {one.name: (one.default, one.metadata["source"], one.metadata["confidence"]) for one in fields(cls)}


@dataclass(frozen=True)
class Fault:
    """A device that most probably has failed.

    `explains` are the places of the reports below it, `calls` and `gasps` their counts, `customers` all below it.
    `log_odds` (natural): the whole explanation against the best one in which this device is whole, be it by its
    children and single houses or by one device above; infinite where a crew found it failed.
    """

    place: int
    customers: int
    calls: int
    gasps: int
    explains: tuple[int, ...]
    log_odds: float
    found_by_crew: bool

    @property
    def share_calling(self) -> float:
        """Share of its customers who have called, 0 to 1."""
        return self.calls / self.customers if self.customers else 0.0


@dataclass(frozen=True)
class Prediction:
    """Faults in order of place, places whose reports are single-house faults, evidence not used, the call rate taken.

    No fault lies below another, but one that a crew found may.
    """

    faults: tuple[Fault, ...]
    single_houses: tuple[int, ...]
    set_aside: tuple[SetAside, ...]
    call_rate: float


def predict(forest: Forest, evidence: Evidence, model: Model | None = None) -> Prediction:
    """The most probable failed devices; the same evidence gives the same answer, in whatever order it came.

    Two devices that explain exactly the same reports are told apart by their rates; alike, the upper one is named, with
    log-odds 0.
    """
    model = model or Model()
    used, aside = usable(forest, evidence)
    paths = _Paths(forest, used, model)
    best = max((_Search(paths, model, rate) for rate in model.call_rates), key=lambda search: search.total)
    faults = tuple(best.faults(forest))
    explained = {place for fault in faults for place in fault.explains}
    houses = tuple(place for place in paths.reporting if place not in explained)
    return Prediction(faults, houses, aside, best.call_rate)


class _Paths:
    """The nodes with reports or findings and all above them, in order of place, and what is reported below each."""

    def __init__(self, forest: Forest, used: Evidence, model: Model) -> None:
        self.reporting = sorted({*used.calls, *used.gasps})
        self.places = _upward(forest, (*self.reporting, *used.failed))
        at = np.array(self.places, np.int64)
        end = np.array([forest.end[place] for place in self.places], np.int64)
        self.up: list[int] = np.searchsorted(at, forest.parent[at]).tolist()  # meaningless at a source, and not read
        self.source: list[bool] = (forest.parent[at] < 0).tolist()
        self.calls = _below(used.calls, at, end)
        self.gasps = _below(used.gasps, at, end)
        self.customers = forest.customers_before[end] - forest.customers_before[at]
        self.meters = forest.meters_before[end] - forest.meters_before[at]
        self.found = np.isin(at, list(used.failed))
        lit = _below(dict.fromkeys(used.lit, 1), at, end) > 0
        whole = ~forest.device[at] | lit | np.isin(at, list(used.closed))
        kind = np.full(len(at), DeviceKind.SWITCH) if forest.kind is None else forest.kind[at]
        rate = np.array(model.failure_rates())[np.where(forest.device[at], kind, 0)]
        prior = np.where(self.found, 0.0, np.log(rate) - np.log1p(-rate))
        self.prior = np.where(whole & ~self.found, -inf, prior)
        houses = [max(used.calls.get(place, 0), used.gasps.get(place, 0)) for place in self.places]
        self.own = np.array(houses) * (log(model.house_rate) - log(1 - model.house_rate))


class _Search:
    """The best set of failed devices at one call rate: `total` is its log-probability above that of no fault at all."""

    def __init__(self, paths: _Paths, model: Model, call_rate: float) -> None:
        self.paths, self.call_rate = paths, call_rate
        dark = (
            paths.calls * log(call_rate)
            + (paths.customers - paths.calls) * log(1 - call_rate)
            + paths.gasps * log(model.gasp_rate)
            + (paths.meters - paths.gasps) * log(1 - model.gasp_rate)
            - paths.customers * log(1 - model.house_rate)
        )
        self.fails: list[float] = (paths.prior + dark).tolist()
        self.whole: list[float] = np.where(paths.found, -inf, paths.own).tolist()
        self.total = 0.0
        for row in range(len(self.fails) - 1, -1, -1):
            best = max(self.fails[row], self.whole[row])
            if paths.source[row]:
                self.total += best
            else:
                self.whole[paths.up[row]] += best

    def faults(self, forest: Forest) -> Iterator[Fault]:
        """The failed devices that stand under no other, and all that a crew found, in order of place."""
        paths = self.paths
        covered = [False] * len(self.fails)  # a device above has failed
        upper = [inf] * len(self.fails)  # what it would cost to blame the best device above instead
        for row, above in enumerate(paths.up):
            if not paths.source[row]:
                covered[row] = covered[above] or self.fails[above] >= self.whole[above]
                upper[row] = min(upper[above], abs(self.whole[above] - self.fails[above]))
            if paths.found[row]:
                yield self._fault(forest, row, inf)
            elif self.fails[row] >= self.whole[row] and not covered[row]:
                yield self._fault(forest, row, min(self.fails[row] - self.whole[row], upper[row]))

    def _fault(self, forest: Forest, row: int, log_odds: float) -> Fault:
        paths, place = self.paths, self.paths.places[row]
        first, last = bisect_left(paths.reporting, place), bisect_left(paths.reporting, forest.end[place])
        return Fault(
            place,
            int(paths.customers[row]),
            int(paths.calls[row]),
            int(paths.gasps[row]),
            tuple(paths.reporting[first:last]),
            log_odds,
            bool(paths.found[row]),
        )


def _upward(forest: Forest, places: Iterable[int]) -> list[int]:
    """These places and all above them, in order."""
    seen: set[int] = set()
    for place in places:
        at = place
        while at >= 0 and at not in seen:
            seen.add(at)
            at = forest.above[at]
    return sorted(seen)


def _below(counts: Mapping[int, int], at: Integers, end: Integers) -> Integers:
    """The sum of the counts in each subtree."""
    places = np.array(sorted(counts), np.int64)
    before = running(np.array([counts[place] for place in places.tolist()], np.int64))
    return before[np.searchsorted(places, end)] - before[np.searchsorted(places, at)]
