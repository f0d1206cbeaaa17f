"""Reads of the networks."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.network.models import NetworkNode

MOST_HOPS = 12  # a low-voltage line has fewer poles between a house and its transformer than a query may wander


def get_node(session: Session, node_id: UUID) -> NetworkNode | None:
    """A node by id."""
    return session.get(NetworkNode, node_id)


def transformer_of(session: Session, node_id: UUID) -> UUID | None:
    """The transformer that feeds a node along closed low-voltage lines, or the node itself if it is one.

    None where no transformer is found within `MOST_HOPS` (a customer on 10 kV, or a network not yet drawn so far).
    """
    row = session.execute(_TRANSFORMER, {"node_id": node_id, "most_hops": MOST_HOPS}).first()
    return None if row is None else row.id


_TRANSFORMER = text(
    """
    WITH RECURSIVE reach(id, hops) AS (
        SELECT n.id, 0 FROM network_node n WHERE n.id = :node_id
        UNION
        SELECT CASE WHEN l.from_node_id = r.id THEN l.to_node_id ELSE l.from_node_id END, r.hops + 1
        FROM reach r
        JOIN network_node here ON here.id = r.id AND here.kind <> 'transformer'
        JOIN network_link l ON (l.from_node_id = r.id OR l.to_node_id = r.id)
        WHERE l.kind = 'lv_line' AND l.state = 'closed' AND r.hops < :most_hops
    )
    SELECT n.id FROM reach r JOIN network_node n ON n.id = r.id
    WHERE n.kind = 'transformer' ORDER BY r.hops, n.id LIMIT 1
    """
)
