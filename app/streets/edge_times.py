"""The default engine: the branch's own streets, embedded, no service outside."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from threading import Lock
from zoneinfo import ZoneInfo

import numpy as np

from app.streets import profiles
from app.streets.dissection import Order, dissect
from app.streets.ground import Ground
from app.streets.hierarchy import Shape
from app.streets.isochrones import Reach
from app.streets.metric import Arcs, Metric
from app.streets.rules import FARTHEST_STREET_M, Floats, Travel, driven
from app.streets.travel import Isochrone, Way, circle, straight_way

MOST_METRICS = 4  # of vehicles and hours at a time; a town's takes a megabyte, its hierarchy ten more
BLOCK = 512  # sources at a time, so that a large matrix is made in a small room

Keep = Callable[[str, Callable[[], bytes]], bytes]


class _Lasting:
    """A shape that is made at the first call; who calls meanwhile waits for it."""

    def __init__(self, make: Callable[[], Shape]) -> None:
        self._make = make
        self._making = Lock()
        self._made: Shape | None = None

    def __call__(self) -> Shape:
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made


class EdgeTimes:
    """Travel times along a `Ground`. Metrics are made when first asked for; safe to share between threads."""

    engine = "edges"

    def __init__(
        self, ground: Ground, *, version: str, timezone: str, keep: Keep | None = None, shape: _Lasting | None = None
    ) -> None:
        """`keep(hash, make)` answers what was kept for the hash of the map's shape, or makes and keeps it."""
        self.ground = ground
        self.version = version
        self.arcs = Arcs.of(ground)
        self._zone = ZoneInfo(timezone)
        self._keep = keep or (lambda _, make: make())
        self._metrics: OrderedDict[tuple[str, str], Metric] = OrderedDict()
        self._lock = Lock()
        self._shape = shape or _Lasting(self._contracted)

    def changed(self, ground: Ground, version: str) -> EdgeTimes:
        """The same segments with other speeds or closures: what their shape alone decides is not made again."""
        same = np.array_equal(self.ground.edges.oneway, ground.edges.oneway)
        shape = self._shape if same else None
        return EdgeTimes(ground, version=version, timezone=str(self._zone), keep=self._keep, shape=shape)

    def matrix(self, sources: Floats, targets: Floats, *, at: datetime, profile: str) -> Travel:
        """From each source to each target (n × m)."""
        metric = self.metric(at, profile)
        start, goal = self.ground.stops(sources), self.ground.stops(targets)
        return driven(metric.costs(start, goal), sources, targets, (start.gap_m, goal.gap_m))

    def path(self, source: Floats, target: Floats, *, at: datetime, profile: str) -> Way:
        """The fastest way between two points."""
        start, goal = self.ground.stops(source[np.newaxis]), self.ground.stops(target[np.newaxis])
        travel = self.matrix(source[np.newaxis], target[np.newaxis], at=at, profile=profile)
        stretches = self.metric(at, profile).way(start, goal)
        if stretches is None or travel.estimated[0, 0]:
            return straight_way(source, target)
        line = self.ground.line(stretches)
        return Way(line, float(travel.distance_m[0, 0]), float(travel.time_s[0, 0]), False)

    def isochrones(self, place: Floats, minutes: Sequence[int], *, at: datetime, profile: str) -> list[Isochrone]:
        """What is reached from a place; circles where no street is near."""
        start = self.ground.stops(place[np.newaxis])
        if start.gap_m[0] > FARTHEST_STREET_M:
            return [circle(place, one) for one in minutes]
        seconds = self._reach.seconds(self.metric(at, profile), start)
        return [Isochrone(one, self._reach.area(seconds, place, one * 60.0), False) for one in minutes]

    def metric(self, at: datetime, profile: str) -> Metric:
        """The costs of a vehicle at an hour."""
        wanted = profiles.profile(profile)
        key = (wanted.code, profiles.hours_at(wanted, at.astimezone(self._zone)))
        with self._lock:
            found = self._metrics.pop(key, None)
            if found is None:
                speeds = profiles.speeds(self.ground.edges, wanted, key[1])
                found = Metric(self.ground, self.arcs, speeds, self._shape)
            self._metrics[key] = found
            while len(self._metrics) > MOST_METRICS:
                self._metrics.popitem(last=False)
        return found

    @cached_property
    def topology(self) -> str:
        """Hash of the map's shape: junctions and which segments join them."""
        hashed = blake2b(digest_size=16)
        for part in (self.ground.lonlat, self.ground.edges.start, self.ground.edges.end):
            hashed.update(np.ascontiguousarray(part).tobytes())
        return hashed.hexdigest()

    def _contracted(self) -> Shape:
        edges = self.ground.edges
        kept = self._keep(self.topology, lambda: dissect(self.ground.places, edges.start, edges.end).to_bytes())
        return Shape(Order.from_bytes(kept), self.arcs.tail, self.arcs.head)

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self.ground)
