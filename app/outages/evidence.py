"""What is known of a loss of supply: the fed network, the reports from it, and which of them can be used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

NOT_FED = -1  # the place of a node that nothing feeds


class DeviceKind(IntEnum):
    """What can fail or open, numbered for `Forest.kind`."""

    BREAKER = 0
    SWITCH = 1
    TRANSFORMER = 2
    FUSE = 3


@dataclass(frozen=True)
class Forest:
    """What is fed, nodes in preorder; places are row numbers.

    `parent` int64[n]: place of the node above, smaller than the own; −1 for a source. `device` bool[n]: a device
    stands at the node or between it and its parent. `customers` int64[n]: connected at the node itself. `kind`
    int64[n]: `DeviceKind`, read where there is a device; without it all count as switches. `meters` int64[n]: those
    of its customers whose meters can gasp.

    Raises:
        ValueError: arrays of different length, not in preorder, negative customers or more meters than customers.
    """

    parent: Integers
    device: Booleans
    customers: Integers
    kind: Integers | None = None
    meters: Integers | None = None

    def __post_init__(self) -> None:
        n = len(self.parent)
        if any(one is not None and len(one) != n for one in (self.device, self.customers, self.kind, self.meters)):
            raise ValueError("all arrays must have the length of parent")
        if (self.parent >= np.arange(n)).any() or (self.parent < NOT_FED).any() or not self._nested():
            raise ValueError("nodes must stand in preorder")
        if (self.customers < 0).any() or (self.meters is not None and (self.meters > self.customers).any()):
            raise ValueError("customers must not be negative, nor meters more than customers")

    def _nested(self) -> bool:
        """Each subtree is one run of places: it ends before its parent's does."""
        end, below = np.array(self.end, np.int64), self.parent >= 0
        return bool((end[below] <= end[self.parent[below]]).all())

    @cached_property
    def above(self) -> list[int]:
        """`parent` as a list: thousands of single places are read from it."""
        places: list[int] = self.parent.tolist()
        return places

    @cached_property
    def end(self) -> list[int]:
        """Of each node the place after the last one below it: what hangs under it is `range(place, end[place])`."""
        sizes = [1] * len(self.above)
        for place in range(len(sizes) - 1, -1, -1):
            if self.above[place] >= 0:
                sizes[self.above[place]] += sizes[place]
        return [place + size for place, size in enumerate(sizes)]

    @cached_property
    def customers_before(self) -> Integers:
        """int64[n + 1]: customers at all places before this one; a difference gives those of a subtree."""
        return running(self.customers)

    @cached_property
    def meters_before(self) -> Integers:
        """int64[n + 1]: as `customers_before`, of meters."""
        return running(np.zeros_like(self.customers) if self.meters is None else self.meters)

    def customers_below(self, place: int) -> int:
        """Customers at a node and under it."""
        return int(self.customers_before[self.end[place]] - self.customers_before[place])


def running(counts: Integers) -> Integers:
    """int64[n + 1]: how many stand before each place."""
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))


@dataclass(frozen=True)
class Evidence:
    """What is known at this moment, by place; `NOT_FED` for a node that nothing feeds.

    `calls` and `gasps`: how many different customers, or meters, have reported at a node. `lit`: nodes that have power
    by a customer's answer or a live meter. `closed`: devices that telecontrol reports closed. `failed`: devices that a
    crew found failed.
    """

    calls: Mapping[int, int] = field(default_factory=dict)
    gasps: Mapping[int, int] = field(default_factory=dict)
    lit: Collection[int] = ()
    closed: Collection[int] = ()
    failed: Collection[int] = ()


class Reason(StrEnum):
    """Why a piece of evidence could not be used."""

    UNKNOWN_NODE = "unknown_node"  # no such place
    NOT_FED = "not_fed"  # dark by a switch known to be open: no news of a fault
    NO_DEVICE = "no_device"  # nothing stands there that could be closed or fail
    TOO_MANY = "too_many"  # more than the node has customers or meters; as many as it has count
    CREW_FOUND_FAILED = "crew_found_failed"  # says that a device is whole which a crew found failed


@dataclass(frozen=True)
class SetAside:
    """A piece of evidence that was not used; `said` names its field in `Evidence`."""

    place: int
    said: str
    reason: Reason


def usable(forest: Forest, evidence: Evidence) -> tuple[Evidence, tuple[SetAside, ...]]:
    """The evidence that can be used, each field in order of place, and what cannot, with the reason.

    Where others contradict a crew's finding, the crew's word holds: it has stood before the device.
    """
    aside: list[SetAside] = []
    failed = list(_known(forest, "failed", evidence.failed, aside, devices=True))
    dark = [range(place, forest.end[place]) for place in failed]
    closed = [
        place
        for place in _known(forest, "closed", evidence.closed, aside, devices=True)
        if not (place in failed and _set_aside(aside, place, "closed", Reason.CREW_FOUND_FAILED))
    ]
    lit = [
        place
        for place in _known(forest, "lit", evidence.lit, aside)
        if not (any(place in below for below in dark) and _set_aside(aside, place, "lit", Reason.CREW_FOUND_FAILED))
    ]
    calls = _counted(forest, "calls", evidence.calls, forest.customers, aside)
    gasps = _counted(forest, "gasps", evidence.gasps, forest.meters, aside)
    return Evidence(calls, gasps, lit, closed, failed), tuple(aside)


def _known(
    forest: Forest, said: str, places: Iterable[int], aside: list[SetAside], *, devices: bool = False
) -> Iterator[int]:
    """The places that are in the forest, each once, and have a device where one is asked for."""
    for place in sorted(set(places)):
        if not NOT_FED <= place < len(forest.above):
            _set_aside(aside, place, said, Reason.UNKNOWN_NODE)
        elif place == NOT_FED:
            _set_aside(aside, place, said, Reason.NOT_FED)
        elif devices and not forest.device[place]:
            _set_aside(aside, place, said, Reason.NO_DEVICE)
        else:
            yield place


def _counted(
    forest: Forest, said: str, counts: Mapping[int, int], most: Integers | None, aside: list[SetAside]
) -> dict[int, int]:
    """Reports by place, no more than the node can have."""
    kept = {}
    for place in _known(forest, said, (place for place, count in counts.items() if count > 0), aside):
        limit = 0 if most is None else int(most[place])
        if counts[place] > limit:
            _set_aside(aside, place, said, Reason.TOO_MANY)
        if limit:
            kept[place] = min(counts[place], limit)
    return kept


def _set_aside(aside: list[SetAside], place: int, said: str, reason: Reason) -> bool:
    aside.append(SetAside(place, said, reason))
    return True
