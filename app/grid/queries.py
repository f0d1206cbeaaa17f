"""Reads of the networks at work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.grid.models import NetworkEdition, Switching
from app.grid.rules.wiring import Wiring
from app.identity.models import Person
from app.kernel.actor import Actor, Permission
from app.kernel.paging import decode_cursor, time_key, uuid_key
from app.kernel.problems import NotFound
from app.network.models import Commodity, NetworkLink, NetworkNode

Edition = tuple[int, int]

COORDINATE_DIGITS = 6  # about a decimetre
MOST_DEVICES = 2_000  # of one trace: what a person could look through


def get_node(session: Session, actor: Actor, node_id: UUID) -> NetworkNode:
    """A node of a branch whose work the actor may see.

    Raises:
        NotFound: there is none, or it is of another branch.
    """
    node = session.get(NetworkNode, node_id)
    if node is None or not actor.may(Permission.READ_ALL_JOBS, node.branch_id):
        raise NotFound
    return node


def get_link(session: Session, actor: Actor, link_id: UUID) -> NetworkLink:
    """A line, pipe, switch or valve of a branch whose work the actor may see.

    Raises:
        NotFound: there is none, or it is of another branch.
    """
    link = session.get(NetworkLink, link_id)
    if link is None or not actor.may(Permission.READ_ALL_JOBS, link.branch_id):
        raise NotFound
    return link


def node_as_shown(session: Session, node_id: UUID) -> dict[str, Any]:
    """A node's columns."""
    node = session.get_one(NetworkNode, node_id)
    names = ("id", "commodity", "kind", "code", "name", "feeder_code", "ownership", "location")
    return {name: getattr(node, name) for name in names}


def link_as_shown(session: Session, link_id: UUID) -> dict[str, Any]:
    """A link's columns, with the middle of its path as `location`."""
    link = session.get_one(NetworkLink, link_id)
    names = ("id", "commodity", "kind", "code", "name", "feeder_code", "ownership", "length_m", "state", "normal_state")
    middle = link.path.interpolate(0.5, normalized=True)
    return {**{name: getattr(link, name) for name in names}, "usable": link.usable, "location": middle}


def links_by_id(session: Session, ids: list[UUID]) -> dict[UUID, NetworkLink]:
    """These links."""
    return {link.id: link for link in session.scalars(select(NetworkLink).where(NetworkLink.id.in_(ids)))}


def nodes_by_id(session: Session, ids: list[UUID]) -> list[NetworkNode]:
    """These nodes, by code."""
    return list(session.scalars(select(NetworkNode).where(NetworkNode.id.in_(ids)).order_by(NetworkNode.code)))


def edition_of(session: Session, branch_id: UUID, commodity: Commodity) -> Edition:
    """How often the network was rewired and switched; another value is another network. (0, 0): there is none."""
    row = session.get(NetworkEdition, (branch_id, commodity), populate_existing=True)
    return (0, 0) if row is None else (row.wiring, row.switching)


def hold_network(session: Session, branch_id: UUID, commodity: Commodity) -> None:
    """Let nobody else switch in this network until the end of the transaction: interlocks look at all of it."""
    held = (NetworkEdition.branch_id == branch_id, NetworkEdition.commodity == commodity)
    session.execute(select(NetworkEdition.wiring).where(*held).with_for_update())


def load_wiring(session: Session, branch_id: UUID, commodity: Commodity) -> Wiring:
    """The whole network in two queries; ids and flags come as bytes, not as objects."""
    network = {"branch_id": branch_id, "commodity": commodity.value}
    nodes = session.execute(_NODES, network).one()
    links = session.execute(_LINKS, network).one()
    ids = _ids(nodes.ids)
    return Wiring(
        node_ids=ids,
        link_ids=_ids(links.ids),
        source=_flags(nodes.source),
        protects=_flags(nodes.protects),
        customers=np.frombuffer(nodes.customers or b"", dtype=">i4").astype(np.int64),
        start=np.searchsorted(ids, _ids(links.starts)),
        end=np.searchsorted(ids, _ids(links.ends)),
        carries=_flags(links.carries),
        device=_flags(links.device),
        usable=_flags(links.usable),
    )


def reswitched(session: Session, wiring: Wiring, branch_id: UUID, commodity: Commodity) -> Wiring:
    """The same network as it is switched now, in one query over its devices."""
    rows = session.execute(_STATES, {"branch_id": branch_id, "commodity": commodity.value}).one()
    at = np.searchsorted(wiring.link_ids, _ids(rows.ids))
    carries, usable = wiring.carries.copy(), wiring.usable.copy()
    carries[at], usable[at] = _flags(rows.carries), _flags(rows.usable)
    return replace(wiring, carries=carries, usable=usable)


def _ids(joined: bytes | None) -> Any:
    return np.frombuffer(joined or b"", dtype="S16")


def _flags(joined: str | None) -> Any:
    return np.frombuffer((joined or "").encode("ascii"), dtype=np.uint8) == ord("1")


_DEVICE = "kind IN ('breaker', 'switch', 'tie_switch', 'valve')"
_CARRIES = "(kind = 'valve') = (state = 'open')"
_OF_NETWORK = "branch_id = :branch_id AND commodity = :commodity"


# Of rows that come sorted: to sort within each aggregate would sort as often as there are aggregates.
_NODES = text(
    f"""
    SELECT string_agg(id, ''::bytea) AS ids, string_agg(source, '') AS source, string_agg(protects, '') AS protects,
           string_agg(accounts, ''::bytea) AS customers
    FROM (
        SELECT uuid_send(n.id) AS id, int4send(coalesce(c.accounts, 0)::int) AS accounts,
               CASE WHEN n.kind IN ('substation', 'gate_station') THEN '1' ELSE '0' END AS source,
               CASE WHEN n.kind IN ('transformer', 'regulator') THEN '1' ELSE '0' END AS protects
        FROM network_node n LEFT JOIN (
            SELECT CASE :commodity WHEN 'gas' THEN p.riser_node_id ELSE p.service_node_id END AS node_id,
                   count(*) AS accounts
            FROM account a JOIN premises p ON p.id = a.premises_id
            WHERE a.branch_id = :branch_id AND a.service = :commodity GROUP BY 1
        ) c ON c.node_id = n.id
        WHERE n.{_OF_NETWORK} ORDER BY n.id
    ) sorted
    """  # noqa: S608 - composed of constants
)
_LINKS = text(
    f"""
    SELECT string_agg(id, ''::bytea) AS ids, string_agg(a, ''::bytea) AS starts, string_agg(b, ''::bytea) AS ends,
           string_agg(carries, '') AS carries, string_agg(usable, '') AS usable, string_agg(device, '') AS device
    FROM (
        SELECT uuid_send(id) AS id, uuid_send(from_node_id) AS a, uuid_send(to_node_id) AS b,
               CASE WHEN {_CARRIES} THEN '1' ELSE '0' END AS carries, CASE WHEN usable THEN '1' ELSE '0' END AS usable,
               CASE WHEN {_DEVICE} THEN '1' ELSE '0' END AS device
        FROM network_link WHERE {_OF_NETWORK} ORDER BY network_link.id
    ) sorted
    """  # noqa: S608 - as above
)
_STATES = text(
    f"""
    SELECT string_agg(id, ''::bytea) AS ids, string_agg(carries, '') AS carries, string_agg(usable, '') AS usable
    FROM (
        SELECT uuid_send(id) AS id, CASE WHEN {_CARRIES} THEN '1' ELSE '0' END AS carries,
               CASE WHEN usable THEN '1' ELSE '0' END AS usable
        FROM network_link WHERE {_OF_NETWORK} AND {_DEVICE} ORDER BY network_link.id
    ) sorted
    """  # noqa: S608 - as above
)


def features_json(session: Session, nodes: list[UUID], links: list[UUID]) -> str:
    """GeoJSON features of a part of a network: its lines by kind, each one shape, then what stands and turns in it."""
    found = session.scalar(
        _FEATURES, {"nodes": nodes, "links": links, "digits": COORDINATE_DIGITS, "most": MOST_DEVICES}
    )
    return str(found or "[]")


_FEATURES = text(
    f"""
    WITH line AS (
        SELECT kind, count(*) AS links, round(sum(length_m)) AS length_m, ST_Collect(path::geometry) AS shape
        FROM network_link WHERE id = ANY(:links) GROUP BY kind
    ), thing AS (
        SELECT id, kind, code, name, NULL AS state, NULL AS normal_state, NULL::boolean AS usable,
               feeder_code AS feeder, location::geometry AS shape
        FROM network_node WHERE id = ANY(:nodes)
          AND kind IN ('substation', 'transformer', 'gate_station', 'regulator')
        UNION ALL
        SELECT id, kind, code, name, state, normal_state, usable, feeder_code,
               ST_LineInterpolatePoint(path::geometry, 0.5)
        FROM network_link WHERE id = ANY(:links) AND {_DEVICE}
        ORDER BY kind, code LIMIT :most
    ), feature AS (
        SELECT 0 AS rank, kind, '' AS code, json_build_object('type', 'Feature',
            'geometry', ST_AsGeoJSON(shape, :digits)::json,
            'properties', json_build_object('role', 'lines', 'kind', kind, 'links', links,
                'length_m', length_m)) AS json
        FROM line
        UNION ALL
        SELECT 1, kind, code, json_build_object('type', 'Feature', 'id', id,
            'geometry', ST_AsGeoJSON(shape, :digits)::json,
            'properties', json_build_object('role', 'device', 'kind', kind, 'code', code, 'name', name, 'state', state,
                'normal_state', normal_state, 'usable', usable, 'feeder', feeder))
        FROM thing
    )
    SELECT json_agg(json ORDER BY rank, kind, code)::text FROM feature
    """  # noqa: S608 - composed of constants
)


def customers_at(
    session: Session, nodes: list[UUID], commodity: Commodity, *, needs: bool, now: datetime
) -> dict[str, Any]:
    """How many accounts hang at these nodes, by tier; with `needs` also how many need more support, by kind."""
    rows = session.execute(_TIERS, {"nodes": nodes, "commodity": commodity.value}).all()
    counts: dict[str, Any] = {"accounts": sum(row.n for row in rows), "tiers": {row.tier: row.n for row in rows}}
    if needs:
        found = session.execute(_NEEDS, {"nodes": nodes, "commodity": commodity.value, "now": now})
        counts["needs"] = {row.kind: row.n for row in found}
    return counts


_AT = """
    FROM account a JOIN premises p ON p.id = a.premises_id
    {also}
    WHERE a.service = :commodity AND (CASE :commodity WHEN 'gas' THEN p.riser_node_id ELSE p.service_node_id END)
          = ANY(:nodes)
"""
_TIERS = text(f"SELECT a.tier, count(*) AS n {_AT.format(also='')} GROUP BY 1 ORDER BY 1")
_NEEDS = text(
    "SELECT s.kind, count(DISTINCT s.party_id) AS n "
    + _AT.format(also="JOIN special_need s ON s.party_id = a.party_id AND coalesce(s.valid_until > :now, true)")
    + " GROUP BY 1 ORDER BY 1"
)


@dataclass(frozen=True)
class LogEntry:
    """An operation with what was operated, by whom, and whether it was undone."""

    switching: Switching
    link: NetworkLink
    person: str | None
    undone: bool


def switching_log(
    session: Session, branch_ids: list[UUID], *, link_id: UUID | None, limit: int, cursor: str | None
) -> list[LogEntry]:
    """Up to `limit` + 1 operations in these branches, newest first.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    query = select(Switching, NetworkLink, Person.name).join(NetworkLink, NetworkLink.id == Switching.link_id)
    query = query.outerjoin(Person, Person.id == Switching.person_id).where(Switching.branch_id.in_(branch_ids))
    if link_id is not None:
        query = query.where(Switching.link_id == link_id)
    if (keys := decode_cursor(cursor, keys=2)) is not None:
        at, last_id = time_key(keys[0]), uuid_key(keys[1])
        query = query.where((Switching.at < at) | ((Switching.at == at) & (Switching.id < last_id)))
    rows = session.execute(query.order_by(Switching.at.desc(), Switching.id.desc()).limit(limit + 1)).all()
    undone = _undone(session, [row[0].id for row in rows])
    return [LogEntry(one, link, person, one.id in undone) for one, link, person in rows]


def get_switching(session: Session, actor: Actor, switching_id: UUID) -> Switching:
    """One operation.

    Raises:
        NotFound: there is none, or it is of another branch.
    """
    one = session.get(Switching, switching_id)
    if one is None or not actor.may(Permission.READ_ALL_JOBS, one.branch_id):
        raise NotFound
    return one


def operations_since(session: Session, switching: Switching, since: datetime) -> list[Switching]:
    """Operations in the network of this one from then on, whichever of the two is earlier, oldest first."""
    query = select(Switching).where(
        Switching.branch_id == switching.branch_id,
        Switching.commodity == switching.commodity,
        Switching.at >= min(since, switching.at),
    )
    return list(session.scalars(query.order_by(Switching.at, Switching.id)))


def last_of(session: Session, link_id: UUID) -> Switching | None:
    """The newest operation of a device."""
    query = select(Switching).where(Switching.link_id == link_id)
    return session.scalar(query.order_by(Switching.at.desc(), Switching.id.desc()).limit(1))


def entry_of(session: Session, switching: Switching) -> LogEntry:
    """An operation as the log shows it."""
    person = None if switching.person_id is None else session.get_one(Person, switching.person_id).name
    link = session.get_one(NetworkLink, switching.link_id)
    return LogEntry(switching, link, person, bool(_undone(session, [switching.id])))


def _undone(session: Session, ids: list[UUID]) -> set[UUID]:
    found = session.scalars(select(Switching.undoes_id).where(Switching.undoes_id.in_(ids)))
    return {one for one in found if one is not None}
