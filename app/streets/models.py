"""Tables of streets: junctions and segments. Integer ids, because a graph in memory wants them small."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from shapely.geometry import LineString, Point
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Model, by_value, gist
from app.kernel.geo import Shape


class StreetClass(StrEnum):
    """From the bay road down to the lane."""

    TRUNK = "trunk"
    PRIMARY = "primary"
    SECONDARY = "secondary"
    RESIDENTIAL = "residential"
    LANE = "lane"


class StreetNode(Model):
    """A junction or a dead end."""

    __tablename__ = "street_node"
    __table_args__ = (gist("street_node", "location"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    branch_id: Mapped[UUID] = mapped_column(ForeignKey("branch.id"), index=True)
    location: Mapped[Point] = mapped_column(Shape("POINT"))


class StreetEdge(Model):
    """A segment between two junctions. `oneway` runs from `from_node_id` to `to_node_id`."""

    __tablename__ = "street_edge"
    __table_args__ = (
        CheckConstraint("length_m > 0", name="length"),
        CheckConstraint("speed_kmh > 0", name="speed"),
        gist("street_edge", "path"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    branch_id: Mapped[UUID] = mapped_column(ForeignKey("branch.id"), index=True)
    from_node_id: Mapped[int] = mapped_column(ForeignKey("street_node.id"), index=True)
    to_node_id: Mapped[int] = mapped_column(ForeignKey("street_node.id"), index=True)
    name: Mapped[str | None]
    street_class: Mapped[StreetClass] = mapped_column(by_value(StreetClass, name="street_class"))
    length_m: Mapped[float]
    speed_kmh: Mapped[float]
    oneway: Mapped[bool] = mapped_column(default=False)
    path: Mapped[LineString] = mapped_column(Shape("LINESTRING"))
