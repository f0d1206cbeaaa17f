"""Normally open ties: where two feeders come near each other far from their sources."""

from __future__ import annotations

from scipy.sparse.csgraph import dijkstra
from shapely.affinity import translate
from shapely.geometry import LineString

from app.district.grid import SWITCH_M, Grid, part_of
from app.district.trees import NOWHERE, Roads

Feeder = tuple[str, dict[int, int], tuple[float, float]]  # code, street junction -> node number, lateral shift
REACH_M = 900.0


def add_ties(grid: Grid, roads: Roads, feeders: list[Feeder], count: int) -> None:
    """Join the `count` pairs of feeders that lie nearest by a cable along the street and an open switch.

    Raises:
        ValueError: fewer than `count` pairs of feeders come within reach of each other.
    """
    pairs = _pairs(roads, feeders)
    if len(pairs) < count:
        raise ValueError(f"only {len(pairs)} pairs of feeders can be tied")
    for one, other, path in pairs[:count]:
        (code, nodes, shift), (far_code, far_nodes, _) = feeders[one], feeders[other]
        a, b = nodes[path[0]], far_nodes[path[-1]]
        line = translate(roads.route(path), *shift) if len(path) > 1 else None
        end = grid.nodes[b].at
        if line is None or line.length < 3 * SWITCH_M:
            middle, open_part = a, LineString([grid.nodes[a].at, end])
        else:
            run = part_of(line, 0, line.length - SWITCH_M)
            middle = grid.node("junction", "J", run.interpolate(run.length), feeder=code)
            grid.link("cable", "L", a, middle, run, feeder=code)
            open_part = LineString([grid.nodes[middle].at, end])
        grid.link("tie_switch", "TS", middle, b, open_part, is_open=True, attrs={"between": [code, far_code]})


def _pairs(roads: Roads, feeders: list[Feeder]) -> list[tuple[int, int, list[int]]]:
    """(feeder, feeder, path), farthest from the sources first, a feeder pair once, each feeder at most three times."""
    best: dict[tuple[int, int], tuple[float, list[int]]] = {}
    for one, (_, nodes, _) in enumerate(feeders):
        metres, before, _ = dijkstra(
            roads.matrix, indices=sorted(nodes), min_only=True, return_predecessors=True, limit=REACH_M
        )
        for other in range(one + 1, len(feeders)):
            near = [(float(metres[n]), n) for n in feeders[other][1] if metres[n] < REACH_M]
            # nodes are numbered from the source outwards: a high number is far out, where a tie helps most
            far = max(near, key=lambda item: (feeders[other][1][item[1]] - item[0] / 60, item[1]), default=None)
            if far is not None:
                best[one, other] = (far[0], _path(before, far[1]))
    ranked = sorted(best, key=lambda pair: (best[pair][0] > 300, -len(feeders[pair[0]][1]), pair))
    uses = [0] * len(feeders)
    chosen: list[tuple[int, int, list[int]]] = []
    later: list[tuple[int, int, list[int]]] = []
    for one, other in ranked:
        rare = uses[one] < 1 and uses[other] < 1
        (chosen if rare else later).append((one, other, best[one, other][1]))
        uses[one] += rare
        uses[other] += rare
    return chosen + later


def _path(before: object, end: int) -> list[int]:
    path = [end]
    while (previous := int(before[path[-1]])) != NOWHERE:  # type: ignore[index]
        path.append(previous)
    return path[::-1]
