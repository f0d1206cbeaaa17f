"""Nodes and links of a network under construction, in metres."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from shapely.geometry import LineString, Point
from shapely.ops import substring

SWITCH_M = 6.0  # a switch or valve takes the first metres of its section


@dataclass(frozen=True)
class Node:
    """Equipment at a place."""

    kind: str
    code: str
    at: Point
    feeder: str | None = None
    name: str | None = None
    private: bool = False
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A line, pipe, switch or valve between nodes `a` and `b`."""

    kind: str
    code: str
    a: int
    b: int
    line: LineString
    feeder: str | None = None
    is_open: bool = False
    usable: bool = True
    private: bool = False
    attrs: dict[str, Any] = field(default_factory=dict)


def part_of(line: LineString, start_m: float, end_m: float) -> LineString:
    """The stretch of a line between two distances along it, which must differ."""
    part = substring(line, start_m, end_m)
    if not isinstance(part, LineString):
        raise ValueError(f"nothing between {start_m} and {end_m} m")
    return part


@dataclass
class Grid:
    """One commodity's network; nodes and links are known by their position in the lists."""

    commodity: str
    nodes: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def code(self, prefix: str) -> str:
        """The next code with a prefix: `TX0007`."""
        self.counts[prefix] += 1
        return f"{prefix}{self.counts[prefix]:04d}"

    def node(self, kind: str, prefix: str, at: Point, **more: Any) -> int:
        """Add a node; its number."""
        self.nodes.append(Node(kind, self.code(prefix), at, **more))
        return len(self.nodes) - 1

    def link(self, kind: str, prefix: str, a: int, b: int, line: LineString | None = None, **more: Any) -> int:
        """Add a link, straight when no line is given; its number."""
        ends = LineString([self.nodes[a].at, self.nodes[b].at])
        self.links.append(Link(kind, self.code(prefix), a, b, line if line is not None else ends, **more))
        return len(self.links) - 1

    def guarded(self, device: tuple[str, str], run: tuple[str, str], a: int, b: int, line: LineString,
                joint: tuple[str, str], *, device_more: dict[str, Any], **more: Any) -> None:  # fmt: skip
        """A run from a to b with a switch or valve on its first metres."""
        cut = min(SWITCH_M, line.length / 3)
        middle = self.node(joint[0], joint[1], line.interpolate(cut), feeder=more.get("feeder"))
        self.link(device[0], device[1], a, middle, part_of(line, 0, cut), **more, **device_more)
        self.link(run[0], run[1], middle, b, part_of(line, cut, line.length), **more)

    def fan(self, kind: str, prefix: str, root: int, leaves: list[int], **more: Any) -> None:
        """Join leaves to the root by the shortest tree through them: services run from house to house."""
        numbers = [root, *leaves]
        points = np.array([(self.nodes[n].at.x, self.nodes[n].at.y) for n in numbers])
        away = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1)) + 0.01
        tree = minimum_spanning_tree(coo_array(away).tocsr()).tocoo()
        beside: dict[int, list[int]] = defaultdict(list)
        for i, j in zip(*tree.coords, strict=True):
            beside[int(i)].append(int(j))
            beside[int(j)].append(int(i))
        seen, order = {0}, [0]
        for here in order:
            for there in sorted(set(beside[here]) - seen):
                seen.add(there)
                order.append(there)
                self.link(kind, prefix, numbers[here], numbers[there], **more)
