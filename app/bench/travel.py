"""Travel times on a city of 100,000 street segments, embedded: matrix, one to many, making the hierarchy, memory.

The city is a grid, the worst map for a hierarchy: nowhere is there a river or a railway that few streets cross. All
times are CPU seconds of one core, so that a busy machine does not change them much; the reference is SciPy's Dijkstra
on the same table in the same run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import shapely

from app.bench.figures import Figure, at_least, at_most
from app.kernel.unit_of_work import Runtime
from app.streets.edge_times import EdgeTimes
from app.streets.ground import Edges, Ground, Stops
from app.streets.metric import Metric
from app.streets.profiles import POSTED
from app.streets.rules import Floats

SIDE = 224  # junctions: 99,904 segments
BLOCK_DEG = 0.001
POINTS, SEARCHED = 300, 20
FEW, MANY = 12, 1_200
MATRIX_S, MATRIX_RATIO = 0.3, 5.0
CUSTOMISE_S, ONE_TO_MANY_MS, HELD_MIB = 1.5, 50.0, 100.0
AT = datetime(2026, 7, 16, tzinfo=UTC)


def measure(_: Runtime) -> Iterator[Figure]:
    """The figures, each for points anywhere beside the streets unless it says otherwise."""
    random = np.random.default_rng(20260716)
    engine = EdgeTimes(city(random), version="bench", timezone="Asia/Shanghai")
    metric = engine.metric(AT, POSTED)
    asked = f"{len(engine.ground.edges.start):,} segments"
    made_s = seconds_of_cpu(metric.hierarchy)
    again = engine.changed(engine.ground, "bench, a street closed").metric(AT, POSTED)
    customised_s = seconds_of_cpu(again.hierarchy)
    yield at_most("travel.customise", customised_s, "s CPU", CUSTOMISE_S, f"{asked}; {made_s:.1f} s with a new order")
    held = metric.hierarchy().nbytes / 2**20
    yield at_most("travel.memory", held, "MiB", HELD_MIB, f"a hierarchy of {asked}; without one, nothing")
    yield from _matrix(engine, metric, random)
    for count in (FEW, MANY):
        places, goal = anywhere(engine, random, count), anywhere(engine, random, 1)
        spent = median_cpu(lambda p=places, g=goal: engine.matrix(p, g, at=AT, profile=POSTED))  # type: ignore[misc]
        yield at_most(f"travel.from_{count}", spent * 1000, "ms CPU", ONE_TO_MANY_MS, f"{count} places to one, {asked}")


def _matrix(engine: EdgeTimes, metric: Metric, random: np.random.Generator) -> Iterator[Figure]:
    sources, targets = anywhere(engine, random, POINTS), anywhere(engine, random, POINTS)
    spent = median_cpu(lambda: engine.matrix(sources, targets, at=AT, profile=POSTED))
    yield at_most("travel.matrix", spent, "s CPU", MATRIX_S, f"{POINTS} × {POINTS} places, finding their streets too")
    start, goal = engine.ground.stops(sources), engine.ground.stops(targets)
    some = Stops(start.edge[:SEARCHED], start.share[:SEARCHED], start.gap_m[:SEARCHED])
    cells, searched = metric.by_hierarchy(some, goal), metric.by_search(some, goal)
    by_search_s = seconds_of_cpu(lambda: metric.by_search(some, goal)) * POINTS / SEARCHED
    by_hierarchy_s = median_cpu(lambda: metric.by_hierarchy(start, goal))
    told = f"Dijkstra's searches {by_search_s:.2f} s, from {SEARCHED} of the sources"
    yield at_least("travel.matrix.ratio", by_search_s / by_hierarchy_s, "ratio", MATRIX_RATIO, told)
    differ = int((cells != searched).sum())
    yield at_most("travel.matrix.differ", differ, "cells", 0, f"of {cells.size}, to the millisecond and decimetre")


def city(random: np.random.Generator) -> Ground:
    """Blocks of 100 m, every tenth street one way, speeds and lengths all different."""
    number = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    start = np.concatenate((number[:, :-1].ravel(), number[:-1].ravel()))
    end = np.concatenate((number[:, 1:].ravel(), number[1:].ravel()))
    places = np.column_stack((number.ravel() % SIDE, number.ravel() // SIDE)) * BLOCK_DEG + (120.0, 30.0)
    lonlat = np.asarray(places, dtype=np.float64)
    count = len(start)
    return Ground(
        lonlat,
        Edges(
            start,
            end,
            random.uniform(90.0, 130.0, count),
            random.choice([15.0, 30.0, 40.0, 60.0], count),
            random.random(count) < 0.1,
            np.zeros(count, dtype=np.int64),
            np.asarray(shapely.linestrings(np.stack((lonlat[start], lonlat[end]), axis=1))),
        ),
    )


def anywhere(engine: EdgeTimes, random: np.random.Generator, count: int) -> Floats:
    """Places on the map."""
    low, high = engine.ground.lonlat.min(axis=0), engine.ground.lonlat.max(axis=0)
    return random.uniform(low, high, (count, 2))


def seconds_of_cpu(call: Callable[[], object]) -> float:
    """CPU seconds of this process for one call."""
    before = time.process_time()
    call()
    return time.process_time() - before


def median_cpu(call: Callable[[], object], times: int = 5) -> float:
    """The median of several."""
    return statistics.median(seconds_of_cpu(call) for _ in range(times))
