"""A small town's networks: two feeders with a tie between them, and a gas main with valves."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from shapely.geometry import LineString
from sqlalchemy.orm import Session

from app.customers.models import Service
from app.identity.models import Branch
from app.kernel.ids import new_id
from app.network.models import Commodity, LinkKind, LinkState, NetworkLink, NetworkNode, NodeKind
from tests.factories_field import at_m, given_account, given_premises

# Two feeders from two stations. TS1 ties their ends and is open.
#   SSA =CB1= A1 =SW1= A2 ---- A3 =TS1= B3 ---- B2 =CB2= SSB
#                TXA1     TXA2              TXB1
POWER_NODES = {
    "SSA": NodeKind.SUBSTATION,
    "SSB": NodeKind.SUBSTATION,
    **dict.fromkeys(("A1", "A2", "A3", "B2", "B3"), NodeKind.JUNCTION),
    **dict.fromkeys(("TXA1", "TXA2", "TXA3", "TXB1"), NodeKind.TRANSFORMER),
}
POWER_LINKS = {
    "CB1": (LinkKind.BREAKER, "SSA", "A1"),
    "SW1": (LinkKind.SWITCH, "A1", "A2"),
    "SW2": (LinkKind.SWITCH, "A2", "A3"),
    "TS1": (LinkKind.TIE_SWITCH, "A3", "B3"),
    "LB": (LinkKind.CABLE, "B3", "B2"),
    "CB2": (LinkKind.BREAKER, "SSB", "B2"),
    "LA1": (LinkKind.CABLE, "A1", "TXA1"),
    "LA2": (LinkKind.CABLE, "A2", "TXA2"),
    "LA3": (LinkKind.CABLE, "A3", "TXA3"),
    "LB1": (LinkKind.CABLE, "B2", "TXB1"),
}
# A gate, a main with three valves, a riser behind each.   GS - G1 =V1= G2 - G3 =V2= G4 =V3= G5
GAS_NODES = {
    "GS": NodeKind.GATE_STATION,
    **dict.fromkeys(("G1", "G2", "G3", "G4", "G5"), NodeKind.GAS_JUNCTION),
    **dict.fromkeys(("R1", "R3", "R4", "R5"), NodeKind.RISER),
}
GAS_LINKS = {
    "M1": (LinkKind.MAIN, "GS", "G1"),
    "V1": (LinkKind.VALVE, "G1", "G2"),
    "M2": (LinkKind.MAIN, "G2", "G3"),
    "V2": (LinkKind.VALVE, "G3", "G4"),
    "V3": (LinkKind.VALVE, "G4", "G5"),
    **{f"S{n}": (LinkKind.SERVICE_PIPE, f"G{n}", f"R{n}") for n in (1, 3, 4, 5)},
}
OPEN = {"TS1", "V1", "V2", "V3"}


@dataclass(frozen=True)
class Networks:
    """Ids by code."""

    nodes: dict[str, UUID]
    links: dict[str, UUID]


def given_networks(session: Session, branch: Branch) -> Networks:
    """Both networks; one account at each transformer and riser, two at TXA2."""
    nodes = {
        **_nodes(session, branch, Commodity.POWER, POWER_NODES),
        **_nodes(session, branch, Commodity.GAS, GAS_NODES),
    }
    links = {
        **_links(session, branch, Commodity.POWER, POWER_LINKS, nodes),
        **_links(session, branch, Commodity.GAS, GAS_LINKS, nodes),
    }
    for code in ("TXA1", "TXA2", "TXA2", "TXA3", "TXB1"):
        given_account(session, given_premises(session, branch, service_node_id=nodes[code].id))
    for code in ("R1", "R3", "R4", "R5"):
        given_account(session, given_premises(session, branch, riser_node_id=nodes[code].id), service=Service.GAS)
    return Networks({code: node.id for code, node in nodes.items()}, {code: link.id for code, link in links.items()})


def _nodes(
    session: Session, branch: Branch, commodity: Commodity, kinds: dict[str, NodeKind]
) -> dict[str, NetworkNode]:
    made = {
        code: NetworkNode(
            id=new_id(), branch_id=branch.id, commodity=commodity, kind=kind, code=code, location=at_m(50 * n, 0)
        )
        for n, (code, kind) in enumerate(kinds.items())
    }
    session.add_all(made.values())
    session.commit()
    return made


def _links(
    session: Session,
    branch: Branch,
    commodity: Commodity,
    wanted: dict[str, tuple[LinkKind, str, str]],
    nodes: dict[str, NetworkNode],
) -> dict[str, NetworkLink]:
    made = {
        code: NetworkLink(
            id=new_id(),
            branch_id=branch.id,
            commodity=commodity,
            kind=kind,
            code=code,
            from_node_id=nodes[a].id,
            to_node_id=nodes[b].id,
            normal_state=LinkState.OPEN if code in OPEN else LinkState.CLOSED,
            state=LinkState.OPEN if code in OPEN else LinkState.CLOSED,
            length_m=50.0,
            path=LineString([nodes[a].location, nodes[b].location]),
        )
        for code, (kind, a, b) in wanted.items()
    }
    session.add_all(made.values())
    session.commit()
    return made
