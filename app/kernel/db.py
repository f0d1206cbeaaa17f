"""Tables: the typed SQLAlchemy base, naming convention, aware time, enums by value, shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, Dialect, Enum, ForeignKey, Index, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """timestamptz that refuses naive times and always answers in UTC."""

    cache_ok = True
    impl = DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware in."""
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC out."""
        return None if value is None else value.astimezone(UTC)


class Model(DeclarativeBase):
    """Every table of the application."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        str: Text,
        UUID: Uuid,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class Record(Model):
    """A row with an identity of its own (UUIDv7, made by the unit of work or on the device)."""

    __abstract__ = True
    id: Mapped[UUID] = mapped_column(primary_key=True)


class Scoped(Record):
    """A record that belongs to a branch; nobody of another branch may see it."""

    __abstract__ = True

    @declared_attr
    def branch_id(cls) -> Mapped[UUID]:  # noqa: N805
        """The owning branch."""
        return mapped_column(ForeignKey("branch.id"), index=True)


class Revised(Scoped):
    """A scoped record with a revision: concurrent edits are noticed (ETag/If-Match), tablets can hold copies."""

    __abstract__ = True
    rev: Mapped[int] = mapped_column(default=1)
    deleted_at: Mapped[datetime | None]

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.rev}


def by_value(enum: type[StrEnum], *, name: str) -> Enum:
    """A text column with a check constraint over the enum's values."""
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=None,
        values_callable=lambda members: [member.value for member in members],
    )


def gist(table: str, column: str) -> Index:
    """The spatial index of a column, by its conventional name."""
    return Index(f"ix_{table}_{column}_gist", column, postgresql_using="gist")
