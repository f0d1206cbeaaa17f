"""Tables of the map: how often the ground has changed."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Model


class MapVersion(Model):
    """One row a table that static layers are made of; a trigger on that table counts its changes (COPY included)."""

    __tablename__ = "map_version"

    source: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
