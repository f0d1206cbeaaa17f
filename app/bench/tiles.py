"""What the busiest tile of each layer costs when it is made, and when it is there already."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select

from app.bench.figures import Figure, at_most, percentile
from app.identity.models import Branch
from app.kernel.actor import Actor, Permission
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.map import queries, service
from app.map.layers import LAYERS
from app.map.sources import Scope
from app.map.tiles import Tile, tile_of

ZOOMS = (10, 12, 14, 16)
ROUNDS = 15
MADE_MS = 60.0
KEPT_MS = 10.0


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Milliseconds (median of the slowest zoom) of the tile in the middle of the largest branch; nothing is written."""
    branch_id, lon, lat = _middle(runtime)
    slowest: dict[str, float] = {}
    for name in LAYERS:
        costs = {z: _made(runtime, name, branch_id, tile_of(lon, lat, z)) for z in ZOOMS}
        zoom, (spent_ms, size) = max(costs.items(), key=lambda item: item[1][0])
        slowest[name] = spent_ms
        yield at_most(f"tiles.{name}.made", spent_ms, "ms", MADE_MS, f"zoom {zoom}, {size / 1024:.0f} KiB before gzip")
    kept_ms = _kept(runtime, branch_id, tile_of(lon, lat, 14))
    yield at_most("tiles.power.kept.p95", kept_ms, "ms", KEPT_MS, f"made in {slowest['power']:.1f} ms")


def _middle(runtime: Runtime) -> tuple[UUID, float, float]:
    with runtime.sessions() as session:
        area = func.geometry(Branch.boundary)
        middle = func.ST_Centroid(area)
        query = select(Branch.id, func.ST_X(middle), func.ST_Y(middle)).where(Branch.boundary.is_not(None))
        branch_id, lon, lat = session.execute(query.order_by(func.ST_Area(area).desc()).limit(1)).one()
        return branch_id, lon, lat


def _made(runtime: Runtime, name: str, branch_id: UUID, tile: Tile) -> tuple[float, int]:
    scope = Scope((branch_id,), runtime.clock(), tile)
    times, size = [], 0
    with runtime.sessions() as session:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            size = len(queries.tile_bytes(session, LAYERS[name], scope, tile))
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), size


def _kept(runtime: Runtime, branch_id: UUID, tile: Tile) -> float:
    grants = {branch_id: frozenset({Permission.READ_MAP})}
    reader = Actor(person_id=new_id(), grants=grants)
    times = []
    for _ in range(ROUNDS * 4):
        with runtime.unit_of_work(reader) as uow:
            began = time.perf_counter()
            service.tile(uow, layer="power", z=tile.z, x=tile.x, y=tile.y)
            times.append((time.perf_counter() - began) * 1000)
    return percentile(times[1:], 0.95)
