"""Tables of the network: connectivity nodes and two-terminal links (after IEC 61970-301: switches are links)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from shapely.geometry import LineString, Point
from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Scoped, by_value, gist
from app.kernel.geo import Shape


class Commodity(StrEnum):
    """Which network."""

    POWER = "power"
    GAS = "gas"


class NodeKind(StrEnum):
    """What stands at a node."""

    SUBSTATION = "substation"
    JUNCTION = "junction"
    TRANSFORMER = "transformer"
    SERVICE_POINT = "service_point"
    GATE_STATION = "gate_station"
    REGULATOR = "regulator"
    GAS_JUNCTION = "gas_junction"
    RISER = "riser"


class LinkKind(StrEnum):
    """What joins two nodes."""

    OVERHEAD_LINE = "overhead_line"
    CABLE = "cable"
    LV_LINE = "lv_line"
    BREAKER = "breaker"
    SWITCH = "switch"
    TIE_SWITCH = "tie_switch"
    MAIN = "main"
    BRANCH_PIPE = "branch_pipe"
    SERVICE_PIPE = "service_pipe"
    VALVE = "valve"


class LinkState(StrEnum):
    """As the field says it: a closed switch carries, an open valve lets gas pass; a line or pipe is closed for good."""

    CLOSED = "closed"
    OPEN = "open"


class Ownership(StrEnum):
    """Who owns the asset, and so who pays."""

    UTILITY = "utility"
    CUSTOMER = "customer"


class NetworkNode(Scoped):
    """A connectivity node with the equipment that stands there."""

    __tablename__ = "network_node"
    __table_args__ = (UniqueConstraint("branch_id", "commodity", "code"), gist("network_node", "location"))

    commodity: Mapped[Commodity] = mapped_column(by_value(Commodity, name="commodity"))
    kind: Mapped[NodeKind] = mapped_column(by_value(NodeKind, name="kind"))
    code: Mapped[str]
    name: Mapped[str | None]
    feeder_code: Mapped[str | None]
    ownership: Mapped[Ownership] = mapped_column(by_value(Ownership, name="ownership"), default=Ownership.UTILITY)
    location: Mapped[Point] = mapped_column(Shape("POINT"))
    attrs: Mapped[dict[str, Any]] = mapped_column(default=dict)


class NetworkLink(Scoped):
    """A line, pipe, switch or valve between two nodes. `usable` is false for a valve that is stuck or buried."""

    __tablename__ = "network_link"
    __table_args__ = (
        UniqueConstraint("branch_id", "commodity", "code"),
        gist("network_link", "path"),
        Index(
            "ix_network_link_devices",
            *("branch_id", "commodity", "id"),
            postgresql_include=["kind", "state", "usable"],
            postgresql_where=text("kind IN ('breaker', 'switch', 'tie_switch', 'valve')"),
        ),
    )

    commodity: Mapped[Commodity] = mapped_column(by_value(Commodity, name="commodity"))
    kind: Mapped[LinkKind] = mapped_column(by_value(LinkKind, name="kind"))
    code: Mapped[str]
    name: Mapped[str | None]
    from_node_id: Mapped[UUID] = mapped_column(ForeignKey("network_node.id"), index=True)
    to_node_id: Mapped[UUID] = mapped_column(ForeignKey("network_node.id"), index=True)
    feeder_code: Mapped[str | None]
    normal_state: Mapped[LinkState] = mapped_column(by_value(LinkState, name="normal_state"))
    state: Mapped[LinkState] = mapped_column(by_value(LinkState, name="state"))
    usable: Mapped[bool] = mapped_column(default=True)
    ownership: Mapped[Ownership] = mapped_column(by_value(Ownership, name="ownership"), default=Ownership.UTILITY)
    length_m: Mapped[float]
    path: Mapped[LineString] = mapped_column(Shape("LINESTRING"))
    attrs: Mapped[dict[str, Any]] = mapped_column(default=dict)
