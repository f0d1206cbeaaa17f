"""More than the district has: copies of its network beside itself, and crews all over it; and how crews move."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime

LINE_COPIES, POINT_COPIES = 38, 8
SPREAD_M = 900.0

# Copies lie within SPREAD_M of what they copy and join the same nodes; only the map looks at them.
MORE_LINES = """
    INSERT INTO network_link (id, branch_id, commodity, kind, code, name, from_node_id, to_node_id, feeder_code,
                              normal_state, state, usable, ownership, length_m, path, attrs)
    SELECT gen_random_uuid(), branch_id, commodity, kind, code || '+' || i, name, from_node_id, to_node_id, feeder_code,
           normal_state, state, usable, ownership, length_m, geography(ST_Translate(geometry(path), dx, dy)), attrs
    FROM network_link
    CROSS JOIN LATERAL (
        SELECT i, (random() - 0.5) * :spread AS dx, (random() - 0.5) * :spread AS dy
        FROM generate_series(1, CASE WHEN kind IN ('switch', 'tie_switch', 'breaker', 'valve') THEN CAST(:points AS int)
                                     ELSE CAST(:lines AS int) END + 0 * length(code)) AS copies(i)
    ) AS moved
    WHERE kind IN ('cable', 'overhead_line', 'main', 'switch', 'tie_switch', 'breaker', 'valve')
"""
MORE_POINTS = """
    INSERT INTO network_node (id, branch_id, commodity, kind, code, name, feeder_code, ownership, location, attrs)
    SELECT gen_random_uuid(), branch_id, commodity, kind, code || '+' || i, name, feeder_code, ownership,
           geography(ST_Translate(geometry(location), dx, dy)), attrs
    FROM network_node
    CROSS JOIN LATERAL (
        SELECT i, (random() - 0.5) * :spread AS dx, (random() - 0.5) * :spread AS dy
        FROM generate_series(1, CAST(:points AS int) + 0 * length(code)) AS copies(i)
    ) AS moved
    WHERE kind IN ('transformer', 'regulator')
"""
# Crews on duty, each where some premises are, until :crews are known by their position.
MORE_CREWS = """
    WITH homes AS (
        SELECT location, branch_id, row_number() OVER (ORDER BY random()) AS i FROM premises
    ), copies AS (
        SELECT gen_random_uuid() AS id, i, branch_id, location FROM homes
        WHERE i <= :crews - (SELECT count(*) FROM crew_position)
    ), crews AS (
        INSERT INTO crew (id, rev, branch_id, code, name_zh, name_en, kind)
        SELECT id, 1, branch_id, 'B' || lpad(i::text, 4, '0'), '测速' || i || '组', 'Bench ' || i, 'outage_repair'
        FROM copies RETURNING id
    ), shifts AS (
        INSERT INTO shift (id, branch_id, crew_id, starts_at, ends_at)
        SELECT gen_random_uuid(), branch_id, id, :now - interval '1 hour', :now + interval '9 hours' FROM copies
    )
    INSERT INTO crew_position (crew_id, branch_id, location, at)
    SELECT id, branch_id, location, :now - interval '1 minute' FROM copies
"""
MOVES = """
    WITH chosen AS (
        SELECT p.crew_id, row_number() OVER (ORDER BY c.code) AS n
        FROM crew_position p JOIN crew c ON c.id = p.crew_id WHERE c.code LIKE 'B%'
        ORDER BY c.code OFFSET :skip LIMIT :moves
    )
    UPDATE crew_position p
    SET location = ST_Project(p.location, 200, chosen.n), at = :now
    FROM chosen WHERE chosen.crew_id = p.crew_id
    RETURNING p.crew_id, p.branch_id
"""


@dataclass(frozen=True)
class Crowd:
    """What stands on the map when it is full."""

    features: int = 55_000
    crews: int = 5_000


def crowd_network(runtime: Runtime) -> None:
    """Copy lines and points of both networks until a city's view holds the features of `Crowd`."""
    wanted = {"spread": 2 * SPREAD_M / 111_000, "lines": LINE_COPIES, "points": POINT_COPIES}
    with runtime.engine.begin() as connection:
        connection.execute(text(MORE_LINES), wanted)
        connection.execute(text(MORE_POINTS), {name: wanted[name] for name in ("spread", "points")})
        connection.execute(text("ANALYZE network_link, network_node"))


def crowd_crews(runtime: Runtime, crews: int) -> None:
    """Put crews on duty until so many have a position."""
    with runtime.engine.begin() as connection:
        connection.execute(text(MORE_CREWS), {"crews": crews, "now": runtime.clock()})
        connection.execute(text("ANALYZE crew, crew_position, shift"))


def move_crews(runtime: Runtime, moves: int, *, skip: int) -> None:
    """Report new positions of so many crews in one commit, each 200 m on; live screens are told as by the verb."""
    with runtime.unit_of_work(SYSTEM) as uow:
        moved = uow.session.execute(text(MOVES), {"moves": moves, "skip": skip, "now": uow.now})
        for crew_id, branch_id in moved:
            uow.wake_live(branch_id, "crew", crew_id)
