"""A real town that nobody here drew comes in as a branch of its own and holds together."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.grid.queries import load_wiring
from app.grid.rules.feeding import Feeding, feed
from app.grid.rules.tracing import below_node
from app.imports.command import import_layers
from app.kernel.unit_of_work import Runtime
from app.network.models import Commodity

TOWN = Path(__file__).resolve().parents[2] / "fixtures" / "towns" / "schutterwald"


def graph(session: Session, *, commodity: str, kinds: str) -> tuple[dict[str, str], dict[str, int]]:
    """Kind of each node by code, and the piece it belongs to over closed links of these kinds."""
    kind = dict(
        session.execute(text("SELECT code, kind FROM network_node WHERE commodity = :c"), {"c": commodity}).all()
    )
    links = session.execute(
        text(
            "SELECT a.code, b.code FROM network_link l JOIN network_node a ON a.id = l.from_node_id "
            "JOIN network_node b ON b.id = l.to_node_id "
            "WHERE l.commodity = :c AND l.state = 'closed' AND l.kind ~ :kinds"
        ),
        {"c": commodity, "kinds": kinds},
    ).all()
    at = {code: n for n, code in enumerate(kind)}
    a, b = np.array([(at[one], at[other]) for one, other in links]).T
    _, label = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(at), len(at))), directed=False)
    return kind, {code: int(label[n]) for code, n in at.items()}


def test_schutterwald_comes_in_and_holds_together(runtime: Runtime) -> None:
    outcome = import_layers(runtime, TOWN, branch_code="SCH", mapping=TOWN / "mapping.toml")
    assert outcome.refusals == []
    assert outcome.accepted["premises"] == 1506
    with runtime.sessions() as session:
        _every_house_is_fed_by_one_transformer(session)
        _every_transformer_is_fed_by_a_substation(session)
        _every_house_has_gas_from_the_gate(session)
        _power_and_gas_lie_on_each_other(session)
        _streets_are_one_piece_near_the_houses(session)
        _traces_follow_the_imported_networks(session)


def _every_house_is_fed_by_one_transformer(session: Session) -> None:
    kind, piece = graph(session, commodity="power", kinds="lv_line|^switch$")
    feeding: dict[int, int] = {}
    for code, what in kind.items():
        feeding[piece[code]] = feeding.get(piece[code], 0) + (what == "transformer")
    served = session.scalars(
        text("SELECT n.code FROM premises p JOIN network_node n ON n.id = p.service_node_id")
    ).all()
    assert len(served) == 1506
    assert {feeding[piece[code]] for code in served} == {1}


def _every_transformer_is_fed_by_a_substation(session: Session) -> None:
    kind, piece = graph(session, commodity="power", kinds=".")
    fed = {piece[code] for code, what in kind.items() if what == "substation"}
    assert all(piece[code] in fed for code, what in kind.items() if what == "transformer")


def _every_house_has_gas_from_the_gate(session: Session) -> None:
    kind, piece = graph(session, commodity="gas", kinds=".")
    (gate,) = [code for code, what in kind.items() if what == "gate_station"]
    assert all(piece[code] == piece[gate] for code, what in kind.items() if what == "riser")


def _traces_follow_the_imported_networks(session: Session) -> None:
    """As they are read for traces: every house is fed, and behind a transformer are the houses of its own piece."""
    branch_id = session.scalars(text("SELECT id FROM branch WHERE code = 'SCH'")).one()
    power, gas = (feed(load_wiring(session, branch_id, commodity)) for commodity in (Commodity.POWER, Commodity.GAS))
    house = session.execute(text("SELECT service_node_id, riser_node_id FROM premises")).all()
    assert all(power.fed[power.wiring.node(one.service_node_id)] for one in house)
    assert all(gas.fed[gas.wiring.node(one.riser_node_id)] for one in house)
    _, piece = graph(session, commodity="power", kinds="lv_line|^switch$")
    codes = dict(session.execute(text("SELECT id, code FROM network_node WHERE kind = 'service_point'")).all())
    transformers = session.execute(text("SELECT id, code FROM network_node WHERE kind = 'transformer'")).all()
    behind = {one.code: power.wiring.nodes(below_node(power, place_of(power, one.id)).nodes) for one in transformers}
    for transformer, nodes in behind.items():
        assert {piece[codes[node]] for node in nodes if node in codes} <= {piece[transformer]}
    assert sum(node in codes for nodes in behind.values() for node in nodes) == sum(
        power.fed[place_of(power, node)] for node in codes
    )


def place_of(feeding: Feeding, node_id: UUID) -> int:
    place = feeding.wiring.node(node_id)
    assert place is not None
    return place


def _power_and_gas_lie_on_each_other(session: Session) -> None:
    """The gas file's projection is Gauss-Krüger zone 3: any other would lie kilometres away."""
    away = session.scalar(
        text(
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ST_Distance(p.location, n.location)) "
            "FROM premises p JOIN network_node n ON n.id = p.riser_node_id"
        )
    )
    assert away == pytest.approx(0.9, abs=2.0)


def _streets_are_one_piece_near_the_houses(session: Session) -> None:
    ends = session.execute(text("SELECT from_node_id, to_node_id FROM street_edge")).all()
    at = {n: k for k, n in enumerate(sorted({end for pair in ends for end in pair}))}
    a, b = np.array([(at[one], at[other]) for one, other in ends]).T
    pieces, _ = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(at), len(at))), directed=False)
    assert pieces == 1
    far = text(
        "SELECT count(*) FROM premises p WHERE NOT EXISTS "
        "(SELECT FROM street_edge e WHERE ST_DWithin(e.path, p.location, 120))"
    )
    assert session.scalar(far) == 0
