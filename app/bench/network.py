"""What traces cost in a city's network: 112,000 nodes from 20 stations, ties between them, one account at each end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import TypeVar
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.bench.figures import Figure, at_most
from app.bench.scratch import scratch
from app.grid.queries import load_wiring, reswitched
from app.grid.rules.feeding import Feeding, fed_by, feed
from app.grid.rules.tracing import above_node, below_link
from app.grid.rules.wiring import Wiring
from app.kernel.unit_of_work import Runtime
from app.network.models import Commodity

NODES, STATIONS, TIES = 112_000, 20, 500
REACH = 60  # a node hangs on one of the sixty before it: some hundreds of links deep
BUILD_S, TRACE_MS, SWITCH_MS = 2.0, 1.0, 100.0
ROUNDS = 200

Answer = TypeVar("Answer")


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Reading and hanging up the network, traces, and who is dark when a switch opens; against a walk in SQL."""
    with scratch(runtime, "tiny") as own, own.sessions() as session:
        branch_id = _city(session)
        took, wiring = _timed(lambda: load_wiring(session, branch_id, Commodity.POWER))
        more, feeding = _timed(lambda: feed(wiring))
        told = f"{wiring.size} nodes, {len(wiring.start)} links: {took:.2f} s read, {more:.2f} s hung up"
        yield at_most("network.build", took + more, "s", BUILD_S, told)
        down, up = _traces(feeding)
        walked = _walk_ms(session, wiring, feeding)
        yield at_most("network.down", down, "ms", TRACE_MS, f"median of {ROUNDS}; the same walk in SQL {walked:.0f} ms")
        yield at_most("network.up", up, "ms", TRACE_MS, f"median of {ROUNDS}")
        yield at_most("network.switch", _switched(session, feeding, branch_id), "ms", SWITCH_MS, _TOLD)


_TOLD = "median of 5: all devices' states read from the database, and who is no longer fed"


def _traces(feeding: Feeding) -> tuple[float, float]:
    rng = np.random.default_rng(1)
    places = rng.integers(1, len(feeding.node), ROUNDS)
    links = [int(link) for link in feeding.above[places] if link >= 0]
    down = [_timed(lambda link=link: below_link(feeding, link))[0] for link in links]  # type: ignore[misc]
    up = [_timed(lambda node=node: above_node(feeding, int(node)))[0] for node in feeding.node[places]]  # type: ignore[misc]
    return median(down) * 1000, median(up) * 1000


def _walk_ms(session: Session, wiring: Wiring, feeding: Feeding) -> float:
    """What SQL alone takes to find out what is fed behind one feeder, walking from link to link."""
    head = int(np.flatnonzero(feeding.parent == 0)[0])
    (start,) = wiring.nodes(feeding.node[[head]])
    return _timed(lambda: session.execute(_WALK, {"start": start}).scalar_one())[0] * 1000


_WALK = text(
    """
    WITH RECURSIVE reach(id) AS (
        SELECT CAST(:start AS uuid)
        UNION
        SELECT CASE WHEN l.from_node_id = r.id THEN l.to_node_id ELSE l.from_node_id END
        FROM reach r JOIN network_link l ON (l.from_node_id = r.id OR l.to_node_id = r.id) AND l.state = 'closed'
    )
    SELECT count(*) FROM reach
    """
)


def _switched(session: Session, before: Feeding, branch_id: UUID) -> float:
    def opened() -> int:
        now = reswitched(session, before.wiring, branch_id, Commodity.POWER).switched(off=[STATIONS])
        return int(now.customers[before.fed & ~fed_by(now)].sum())

    return median(_timed(opened)[0] for _ in range(5)) * 1000


def _timed(answer: Callable[[], Answer]) -> tuple[float, Answer]:
    started = time.perf_counter()
    found = answer()
    return time.perf_counter() - started, found


def _city(session: Session) -> UUID:
    """A network of its own beside the tiny district's, in a branch of its own; the places do not matter here."""
    branch_id: UUID = session.execute(_BRANCH).scalar_one()
    rng = np.random.default_rng(1)
    below = np.arange(STATIONS, NODES)
    above = np.maximum(below - rng.integers(1, REACH, len(below)), 0)
    ends = np.vstack((np.column_stack((above, below)), rng.integers(0, NODES, (TIES, 2))))
    session.execute(_NODES, {"branch": branch_id, "nodes": NODES, "stations": STATIONS})
    rows = {"a": ends[:, 0].tolist(), "b": ends[:, 1].tolist(), "ties": TIES, "links": len(ends)}
    session.execute(_LINKS, {"branch": branch_id, **rows})
    session.commit()
    session.execute(text("ANALYZE network_node, network_link"))
    return branch_id


_BRANCH = text(
    """
    INSERT INTO branch (id, code, name_zh, name_en, timezone, boundary, synthetic)
    SELECT gen_random_uuid(), 'CITY', '合成城网', 'Synthetic city', timezone, boundary, true FROM branch LIMIT 1
    RETURNING id
    """
)
_NODES = text(
    """
    INSERT INTO network_node (id, branch_id, commodity, kind, code, ownership, location, attrs)
    SELECT CAST(lpad(to_hex(n), 32, '0') AS uuid), :branch, 'power',
           CASE WHEN n < :stations THEN 'substation' ELSE 'junction' END, 'C' || n, 'utility',
           ST_MakePoint(114, 22)::geography, '{}'
    FROM generate_series(0, :nodes - 1) n
    """
)
_LINKS = text(
    """
    INSERT INTO network_link (id, branch_id, commodity, kind, code, from_node_id, to_node_id, normal_state, state,
                              usable, ownership, length_m, path, attrs)
    SELECT CAST(lpad(to_hex(k), 32, '0') AS uuid), :branch, 'power',
           CASE WHEN k % 7 = 0 OR k > :links - :ties THEN 'switch' ELSE 'cable' END, 'K' || k,
           CAST(lpad(to_hex(a), 32, '0') AS uuid), CAST(lpad(to_hex(b), 32, '0') AS uuid), s.state, s.state,
           true, 'utility', 50, ST_MakeLine(ST_MakePoint(114, 22), ST_MakePoint(114.001, 22))::geography, '{}'
    FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[])) WITH ORDINALITY AS e (a, b, k),
         LATERAL (SELECT CASE WHEN k > :links - :ties THEN 'open' ELSE 'closed' END AS state) s
    """
)
