"""More than the district has: copies of its network beside itself, and crews all over it; and how crews move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime

LINE_COPIES, POINT_COPIES, STREET_COPIES = 36, 10, 2  # a tile holds 10,000 lines of a network at most
SPREAD_M = 900.0
SECTION = 0.12  # a network of so many features has shorter sections, not forty times the length

# Copies lie within SPREAD_M of what they copy and join the same nodes; only the map looks at them.
MORE_LINES = """
    INSERT INTO network_link (id, branch_id, commodity, kind, code, name, from_node_id, to_node_id, feeder_code,
                              normal_state, state, usable, ownership, length_m, path, attrs)
    SELECT gen_random_uuid(), branch_id, commodity, kind, code || '+' || i, name, from_node_id, to_node_id, feeder_code,
           normal_state, state, usable, ownership, length_m * :section,
           geography(ST_Translate(ST_Scale(geometry(path), ST_MakePoint(:section, :section),
                                           ST_StartPoint(geometry(path))), dx, dy)), attrs
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
MORE_STREETS = """
    INSERT INTO street_edge (branch_id, from_node_id, to_node_id, name, street_class, length_m, speed_kmh, oneway, path)
    SELECT branch_id, from_node_id, to_node_id, name, street_class, length_m, speed_kmh, oneway,
           geography(ST_Translate(ST_Scale(geometry(path), ST_MakePoint(:section, :section),
                                           ST_StartPoint(geometry(path))),
                                  (random() - 0.5) * :spread, (random() - 0.5) * :spread))
    FROM street_edge, generate_series(1, :streets)
    WHERE street_class IN ('trunk', 'primary', 'secondary')
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
# Crews on duty today, until there are :lanes.
MORE_LANES = """
    WITH missing AS (
        SELECT gen_random_uuid() AS id, i, branch.id AS branch_id FROM branch, generate_series(1, :lanes) AS s(i)
        WHERE i <= :lanes - (SELECT count(DISTINCT crew_id) FROM shift WHERE starts_at < :until AND ends_at > :since)
    ), crews AS (
        INSERT INTO crew (id, rev, branch_id, code, name_zh, name_en, kind)
        SELECT id, 1, branch_id, 'B' || lpad(i::text, 4, '0'), '测速' || i || '组', 'Bench ' || i, 'gas_installation'
        FROM missing RETURNING id
    )
    INSERT INTO shift (id, branch_id, crew_id, starts_at, ends_at)
    SELECT gen_random_uuid(), branch_id, id, :since + interval '8 hours', :since + interval '19 hours' FROM missing
"""
# Copies of one job, each booked for an hour of its own on one of those crews.
MORE_BARS = """
    WITH one AS (
        SELECT job FROM job WHERE outage_id IS NULL AND state = 'new' ORDER BY number LIMIT 1
    ), hours AS (
        SELECT gen_random_uuid() AS id, c.id AS crew_id, row_number() OVER (ORDER BY c.code, h) AS n,
               :since + h * interval '1 hour' AS starts_at
        FROM crew c, generate_series(8, 17) AS h WHERE c.code LIKE 'B%'
        ORDER BY n LIMIT :bars
    ), copies AS (
        INSERT INTO job
        SELECT (jsonb_populate_record(one.job, jsonb_build_object(
            'id', hours.id, 'number', 'B' || n, 'state', 'planned',
            'window_start', starts_at, 'window_end', starts_at + interval '50 minutes'))).*
        FROM one, hours RETURNING id, branch_id
    )
    INSERT INTO assignment (id, branch_id, job_id, crew_id, live, planned_start, planned_end, assigned_at, reasons)
    SELECT gen_random_uuid(), copies.branch_id, hours.id, crew_id, false, starts_at, starts_at + interval '50 minutes',
           :since, '[]'
    FROM hours JOIN copies USING (id)
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
    """Copy streets, lines and points until a city's view holds the features of `Crowd`."""
    spread = {"spread": 2 * SPREAD_M / 111_000}
    short = {**spread, "section": SECTION}
    with runtime.engine.begin() as connection:
        connection.execute(text(MORE_LINES), {**short, "lines": LINE_COPIES, "points": POINT_COPIES})
        connection.execute(text(MORE_POINTS), {**spread, "points": POINT_COPIES})
        connection.execute(text(MORE_STREETS), {**short, "streets": STREET_COPIES})
        connection.execute(text("ANALYZE network_link, network_node, street_edge"))


def crowd_crews(runtime: Runtime, crews: int) -> None:
    """Put crews on duty until so many have a position."""
    with runtime.engine.begin() as connection:
        connection.execute(text(MORE_CREWS), {"crews": crews, "now": runtime.clock()})
        connection.execute(text("ANALYZE crew, crew_position, shift"))


def crowd_board(runtime: Runtime, *, lanes: int, bars: int, midnight: datetime) -> None:
    """Put crews on duty on the day that begins at `midnight`, and visits on their day, until there are so many."""
    with runtime.engine.begin() as connection:
        until = midnight + timedelta(days=1)
        connection.execute(text(MORE_LANES), {"lanes": lanes, "since": midnight, "until": until})
        connection.execute(text(MORE_BARS), {"bars": bars, "since": midnight})
        connection.execute(text("ANALYZE crew, shift, job, assignment"))


def move_crews(runtime: Runtime, moves: int, *, skip: int) -> None:
    """Report new positions of so many crews in one commit, each 200 m on; live screens are told as by the verb."""
    with runtime.unit_of_work(SYSTEM) as uow:
        moved = uow.session.execute(text(MOVES), {"moves": moves, "skip": skip, "now": uow.now})
        for crew_id, branch_id in moved:
            uow.wake_live(branch_id, "crew", crew_id)
