"""A network in arrays: what is joined to what, what can be switched, who hangs on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Ids = NDArray[np.bytes_]


@dataclass(frozen=True)
class Wiring:
    """A branch's network of one commodity: n nodes and m links, both in the order of their ids.

    `start` and `end` are places in the node arrays. Supply passes a link while it `carries`; only `device`s (breakers,
    switches, ties, valves) ever change, and of these only the `usable` ones can. `customers` counts accounts at a node.
    `protects`: the node's own equipment can fail with all behind it (a transformer, a regulator).
    """

    node_ids: Ids
    link_ids: Ids
    source: Bools
    protects: Bools
    customers: Ints
    start: Ints
    end: Ints
    carries: Bools
    device: Bools
    usable: Bools

    @property
    def size(self) -> int:
        """How many nodes."""
        return len(self.node_ids)

    def node(self, node_id: UUID) -> int | None:
        """Where a node stands; None where it is not of this network."""
        return _find(self.node_ids, node_id)

    def link(self, link_id: UUID) -> int | None:
        """Where a link stands; None where it is not of this network."""
        return _find(self.link_ids, link_id)

    def nodes(self, places: Ints) -> list[UUID]:
        """The ids at these places."""
        return ids_at(self.node_ids, places)

    def links(self, places: Ints) -> list[UUID]:
        """The ids at these places."""
        return ids_at(self.link_ids, places)

    def switched(self, *, off: Sequence[int] = (), on: Sequence[int] = ()) -> Wiring:
        """The same network with these links carrying nothing and those carrying."""
        carries = self.carries.copy()
        carries[list(off)] = False
        carries[list(on)] = True
        return replace(self, carries=carries)

    def cut(self, where: Bools) -> Wiring:
        """The same network with nothing carried over these links."""
        return replace(self, carries=self.carries & ~where)

    def touching(self, nodes: Bools) -> Bools:
        """Links with at least one end among these nodes."""
        return nodes[self.start] | nodes[self.end]

    def within(self, nodes: Bools) -> Bools:
        """Carrying links with both ends among these nodes."""
        return self.carries & nodes[self.start] & nodes[self.end]


def ids_of(ids: Sequence[UUID]) -> Ids:
    """UUIDs as sixteen bytes each; numpy drops trailing zeros, which changes neither order nor identity."""
    return np.array([one.bytes for one in ids], dtype="S16")


def ids_at(ids: Ids, places: Ints) -> list[UUID]:
    """UUIDs back from bytes."""
    return [UUID(bytes=bytes(one).ljust(16, b"\0")) for one in ids[places]]


def _find(ids: Ids, wanted: UUID) -> int | None:
    key = ids_of([wanted])[0]  # without its trailing zeros, like theirs
    place = int(np.searchsorted(ids, key))
    return place if place < len(ids) and ids[place] == key else None
