"""Reads of streets: a branch's segments as arrays, what changed since, and a cheap sign that something did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.streets.ground import Edges, Ground
from app.streets.models import StreetClass
from app.streets.rules import Ints

_PLACE_OF = {value.value: place for place, value in enumerate(StreetClass)}


class Version(NamedTuple):
    """Another value whenever an edge of the branch was added, changed or removed."""

    edges: int
    newest: int
    writers: int  # sum of the transactions that wrote the rows as they are
    horizon: int  # whatever commits later was begun by this transaction or a later one

    @property
    def sign(self) -> tuple[int, int, int]:
        """What differs when a street does."""
        return self[:3]


class Kept(NamedTuple):
    """A branch's ground, ids of edges and nodes in its order, the branch's time zone, and whom its maps name."""

    ground: Ground
    edge_ids: Ints
    node_ids: Ints
    timezone: str
    credit: str | None


def version_of(session: Session, branch_id: UUID) -> Version:
    """The version of a branch's streets: one query over its edges' headers."""
    return Version(*map(int, session.execute(_VERSION, {"branch_id": branch_id}).one()))


_VERSION = text(
    """
    SELECT count(*), coalesce(max(id), 0), coalesce(sum(xmin::text::bigint), 0),
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint % 4294967296
    FROM street_edge WHERE branch_id = :branch_id
    """
)


def load_ground(session: Session, branch_id: UUID) -> Kept | None:
    """The branch's streets; None where it has none. Two queries, a few milliseconds a thousand segments."""
    rows = session.execute(_EDGES, {"branch_id": branch_id}).all()
    if not rows:
        return None
    nodes = session.execute(_NODES, {"branch_id": branch_id}).all()
    node_ids = np.array([row[0] for row in nodes], dtype=np.int64)
    lonlat = np.array([(row[1], row[2]) for row in nodes], dtype=np.float64)
    edge_ids = np.array([row[0] for row in rows], dtype=np.int64)
    return Kept(Ground(lonlat, _edges(rows, node_ids)), edge_ids, node_ids, nodes[0][3], nodes[0][4])


def load_changes(session: Session, branch_id: UUID, kept: Kept, since: Version) -> Ground | None:
    """The ground with what was written after `since`; None where segments came, went or moved.

    One query that answers few rows: a closed street costs no more than that.
    """
    rows = session.execute(_CHANGED, {"branch_id": branch_id, "horizon": since.horizon}).all()
    at = np.searchsorted(kept.edge_ids, np.array([row[0] for row in rows], dtype=np.int64))
    if not rows or [row[0] for row in rows] != kept.edge_ids[np.minimum(at, len(kept.edge_ids) - 1)].tolist():
        return None
    old, new = kept.ground.edges, _edges(rows, kept.node_ids)
    if not all(np.array_equal(getattr(old, name)[at], getattr(new, name)) for name in ("start", "end", "lines")):
        return None
    names = [field.name for field in fields(Edges)]
    return kept.ground.with_edges(
        Edges(**{name: _placed(getattr(old, name), at, getattr(new, name)) for name in names})
    )


def _placed(old: Any, at: Ints, new: Any) -> Any:
    copy = old.copy()
    copy[at] = new
    return copy


def _edges(rows: Sequence[Any], node_ids: Ints) -> Edges:
    _, start, end, length_m, speed_kmh, oneway, street_class, paths = zip(*rows, strict=True)
    return Edges(
        np.searchsorted(node_ids, np.array(start, dtype=np.int64)),
        np.searchsorted(node_ids, np.array(end, dtype=np.int64)),
        np.array(length_m, dtype=np.float64),
        np.array(speed_kmh, dtype=np.float64),
        np.array(oneway, dtype=np.bool_),
        np.array([_PLACE_OF[name] for name in street_class], dtype=np.int64),
        np.atleast_1d(shapely.from_wkb(np.array(paths, dtype=object))),
    )


_COLUMNS = """
    SELECT id, from_node_id, to_node_id, length_m, speed_kmh, oneway, street_class, ST_AsBinary(path)
    FROM street_edge WHERE branch_id = :branch_id
"""
_EDGES = text(f"{_COLUMNS} ORDER BY id")
_CHANGED = text(f"{_COLUMNS} AND xmin::text::bigint >= :horizon ORDER BY id")
_NODES = text(
    """
    SELECT n.id, ST_X(n.location::geometry), ST_Y(n.location::geometry), b.timezone, b.map_credit
    FROM street_node n JOIN branch b ON b.id = n.branch_id WHERE n.branch_id = :branch_id ORDER BY n.id
    """
)
