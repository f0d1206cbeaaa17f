"""Tables of the networks at work."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Model, Scoped, by_value
from app.network.models import Commodity

ONE_UNDO = "uq_switching_undoes_id"


class Move(StrEnum):
    """What is done to a switch or valve."""

    OPEN = "open"
    CLOSE = "close"


class NetworkEdition(Model):
    """How often a branch's network was rebuilt (`wiring`) and switched; triggers count, whoever writes and however."""

    __tablename__ = "network_edition"

    branch_id: Mapped[UUID] = mapped_column(ForeignKey("branch.id"), primary_key=True)
    commodity: Mapped[Commodity] = mapped_column(by_value(Commodity, name="commodity"), primary_key=True)
    wiring: Mapped[int] = mapped_column(BigInteger, default=0)
    switching: Mapped[int] = mapped_column(BigInteger, default=0)


class Switching(Scoped):
    """One operation of a switch or valve. Never changed: an undo is another operation that names the first."""

    __tablename__ = "switching"
    __table_args__ = (
        Index("ix_switching_branch_id_at", "branch_id", "at", "id"),
        Index("ix_switching_link_id", "link_id"),
        Index(ONE_UNDO, "undoes_id", unique=True),
        CheckConstraint("undoes_id <> id", name="undoes_another"),
        CheckConstraint("darkened >= 0 AND restored >= 0", name="customers"),
    )

    commodity: Mapped[Commodity] = mapped_column(by_value(Commodity, name="commodity"))
    link_id: Mapped[UUID] = mapped_column(ForeignKey("network_link.id"))
    move: Mapped[Move] = mapped_column(by_value(Move, name="move"))
    at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str | None]
    parallel: Mapped[bool] = mapped_column(default=False)
    darkened: Mapped[int]
    restored: Mapped[int]
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("switching.id"))
