"""Verbs of streets: how far and how long, between any places of a branch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

import numpy as np
from redis import Redis
from redis.exceptions import RedisError
from shapely.geometry import Point

from app.kernel.actor import Permission
from app.kernel.unit_of_work import UnitOfWork
from app.streets import profiles, queries
from app.streets.edge_times import EdgeTimes
from app.streets.profiles import POSTED, Profile
from app.streets.queries import Kept, Version
from app.streets.remote import remote_times
from app.streets.rules import Floats, Travel
from app.streets.travel import Isochrone, StraightTimes, TravelTimes

MOST_GRAPHS = 16  # branches whose streets one process keeps; a district's graph takes a few megabytes

CHECK_EVERY = timedelta(seconds=5)  # a closed street is known to everybody this soon
KEEP_ORDER = timedelta(days=30)  # since it was last asked for


@dataclass(frozen=True)
class Known:
    """A branch's streets as they were at a version, their engine, and when that was last asked."""

    kept: Kept | None
    times: TravelTimes
    version: Version
    asked_at: datetime


Place = tuple[float, float]  # longitude, latitude

_known: OrderedDict[UUID, Known] = OrderedDict()
_known_lock = Lock()
_reading = Lock()


def travel_times(uow: UnitOfWork, branch_id: UUID) -> TravelTimes:
    """The engine of a branch: the routing server of the settings, else its own streets. Nobody's rights are asked."""
    return remote_times(uow.runtime.settings.travel_engine, _streets(uow, branch_id).times)


def _streets(uow: UnitOfWork, branch_id: UUID) -> Known:
    """A branch's streets as they are now or were `CHECK_EVERY` ago.

    No query within that time, then one; one more when streets were closed or changed, two when they came or went.
    Then one request reads them, and others get the engine from before meanwhile: nobody waits for a map that somebody
    else has noticed to be new.
    """
    with _known_lock:
        known = _known.get(branch_id)
    if known is not None and timedelta(0) <= uow.now - known.asked_at < CHECK_EVERY:
        return known
    if not _reading.acquire(blocking=known is None) and known is not None:
        return known
    try:
        known = _read(uow, branch_id, _known.get(branch_id))
    finally:
        _reading.release()
    with _known_lock:
        _known[branch_id] = known
        _known.move_to_end(branch_id)
        while len(_known) > MOST_GRAPHS:
            _known.popitem(last=False)
    return known


def travel_to(uow: UnitOfWork, *, branch_id: UUID, target: Point, origins: Floats, profile: str = POSTED) -> Travel:
    """Metres and seconds from each origin (n × 2, longitude and latitude) to the target: arrays of n."""
    goal = np.array([[target.x, target.y]])
    travel = travel_times(uow, branch_id).matrix(origins, goal, at=uow.now, profile=profile)
    return Travel(travel.distance_m[:, 0], travel.time_s[:, 0], travel.estimated[:, 0])


def matrix(
    uow: UnitOfWork, *, branch_id: UUID, sources: Floats, targets: Floats, at: datetime | None = None,
    profile: str = POSTED,
) -> Travel:  # fmt: skip
    """Metres and seconds from each source (n × 2) to each target (m × 2): arrays of n × m.

    Raises:
        Invalid: no such profile.
    """
    return travel_times(uow, branch_id).matrix(sources, targets, at=at or uow.now, profile=profile)


@dataclass(frozen=True)
class Answered:
    """Whose answer something is."""

    engine: str
    version: str
    profile: Profile
    attribution: str | None


@dataclass(frozen=True)
class MatrixCells:
    """Travel of n sources × m targets."""

    travel: Travel
    answered: Answered


@dataclass(frozen=True)
class Area:
    """What is reached, the nearest first."""

    isochrones: list[Isochrone]
    answered: Answered


def matrix_of(
    uow: UnitOfWork, *, branch_id: UUID, sources: list[Place], targets: list[Place], profile: str,
    at: datetime | None = None,
) -> MatrixCells:  # fmt: skip
    """Travel between places, for a person.

    Raises:
        NotFound: no such branch, or not the actor's.
        Forbidden: the actor does not read its map.
        Invalid: no such profile.
    """
    times, answered = _asked(uow, branch_id, profile)
    travel = times.matrix(np.array(sources), np.array(targets), at=at or uow.now, profile=profile)
    return MatrixCells(travel, answered)


def isochrones(
    uow: UnitOfWork, *, branch_id: UUID, near: Point, minutes: list[int], profile: str, at: datetime | None = None
) -> Area:
    """What is reached from a point within each of these minutes, for a person.

    Raises:
        NotFound, Forbidden, Invalid: as `matrix_of`.
    """
    times, answered = _asked(uow, branch_id, profile)
    areas = times.isochrones(np.array([near.x, near.y]), minutes, at=at or uow.now, profile=profile)
    return Area(areas, answered)


def _asked(uow: UnitOfWork, branch_id: UUID, profile: str) -> tuple[TravelTimes, Answered]:
    uow.actor.must(Permission.READ_MAP, branch_id)
    times = travel_times(uow, branch_id)
    kept = _streets(uow, branch_id).kept
    credit = None if kept is None else kept.credit
    return times, Answered(times.engine, times.version, profiles.profile(profile), credit)


def _read(uow: UnitOfWork, branch_id: UUID, known: Known | None) -> Known:
    version = queries.version_of(uow.session, branch_id)
    if known is not None and known.version.sign == version.sign:
        return replace(known, asked_at=uow.now)
    if known is not None and known.kept is not None and isinstance(known.times, EdgeTimes):
        ground = queries.load_changes(uow.session, branch_id, known.kept, known.version)
        if ground is not None and known.version[:2] == version[:2]:
            kept = known.kept._replace(ground=ground)
            return Known(kept, known.times.changed(ground, _name(version)), version, uow.now)
    loaded = queries.load_ground(uow.session, branch_id)
    if loaded is None:
        return Known(None, StraightTimes(), version, uow.now)
    keep = _kept_in(uow.runtime.redis)
    times = EdgeTimes(loaded.ground, version=_name(version), timezone=loaded.timezone, keep=keep)
    return Known(loaded, times, version, uow.now)


def _name(version: Version) -> str:
    return "edges-{}-{}-{}".format(*version.sign)


def _kept_in(redis: Redis) -> Callable[[str, Callable[[], bytes]], bytes]:
    """Orders of contraction by the hash of the map's shape, for all processes; made again if Redis has lost them."""

    def keep(topology: str, make: Callable[[], bytes]) -> bytes:
        key = f"streets:order:{topology}"
        try:
            if isinstance(found := redis.getex(key, ex=KEEP_ORDER), bytes):
                return found
            made = make()
            redis.set(key, made, ex=KEEP_ORDER)
        except RedisError:
            return make()
        return made

    return keep
