"""What the tile with the most premises costs when it is made, layer by layer, and when it is there already.

CPU of this process and of its database backend, not wall time: tiles are made beside other work.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select

from app.bench.figures import Figure, at_most, backend_pid, cost_of
from app.customers.models import Premises
from app.kernel.actor import Actor, Permission
from app.kernel.ids import new_id
from app.kernel.unit_of_work import Runtime
from app.map import queries, service
from app.map.layers import LAYERS
from app.map.sources import Scope
from app.map.tiles import Tile, tile_of

ZOOMS = (10, 12, 14, 16)
ROUNDS = 20
MADE_CPU_MS = 60.0
KEPT_CPU_MS = 10.0


def measure(runtime: Runtime) -> Iterator[Figure]:
    """CPU milliseconds of the dearest zoom of each layer; nothing is written."""
    branch_id, lon, lat = _busiest(runtime)
    made: dict[str, float] = {}
    for name in LAYERS:
        costs = {z: _made(runtime, name, branch_id, tile_of(lon, lat, z)) for z in ZOOMS}
        zoom, (made[name], size) = max(costs.items(), key=lambda item: item[1][0])
        told = f"CPU; zoom {zoom}, {size / 1024:.0f} KiB before gzip"
        yield at_most(f"tiles.{name}.made", made[name], "ms", MADE_CPU_MS, told)
    kept_ms = _kept(runtime, branch_id, tile_of(lon, lat, 14))
    yield at_most("tiles.power.kept", kept_ms, "ms", KEPT_CPU_MS, f"CPU; made in {made['power']:.1f} ms")


def _busiest(runtime: Runtime) -> tuple[UUID, float, float]:
    """The branch and the place, to a fiftieth of a degree, with the most premises."""
    here = func.geometry(Premises.location)
    column, row = func.floor(func.ST_X(here) * 50), func.floor(func.ST_Y(here) * 50)
    query = select(Premises.branch_id, func.avg(func.ST_X(here)), func.avg(func.ST_Y(here)))
    with runtime.sessions() as session:
        densest = query.group_by(Premises.branch_id, column, row).order_by(func.count().desc()).limit(1)
        branch_id, lon, lat = session.execute(densest).one()
        return branch_id, lon, lat


def _made(runtime: Runtime, name: str, branch_id: UUID, tile: Tile) -> tuple[float, int]:
    scope = Scope((branch_id,), runtime.clock(), tile)
    with runtime.sessions() as session:
        size = len(queries.tile_bytes(session, LAYERS[name], scope, tile))
        pid = backend_pid(session.connection())
        cost = cost_of(
            lambda: queries.tile_bytes(session, LAYERS[name], scope, tile),
            times=ROUNDS,
            pids=[pid],
        )
    return cost.cpu_ms, size


def _kept(runtime: Runtime, branch_id: UUID, tile: Tile) -> float:
    """Through the verb: version asked, tile taken from the cache."""
    reader = Actor(person_id=new_id(), grants={branch_id: frozenset({Permission.READ_MAP})})

    def read() -> None:
        with runtime.unit_of_work(reader) as uow:
            service.tile(uow, layer="power", z=tile.z, x=tile.x, y=tile.y)

    read()
    with runtime.sessions() as session:
        pid = backend_pid(session.connection())  # the pool hands out the connection used last
    return cost_of(read, times=ROUNDS * 5, pids=[pid]).cpu_ms
