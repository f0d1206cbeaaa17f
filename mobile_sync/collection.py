"""What an application says about one kind of synced record: its fields, how to read, write and show it."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable
from uuid import UUID

from mobile_sync.protocol import Device, Kind, Op
from mobile_sync.upcast import Upcaster


class Policy(StrEnum):
    """Who wins when a field changed on both sides (M4, M5)."""

    SERVER = "server"
    DEVICE = "device"
    MAX = "max"
    MIN = "min"
    APPEND = "append"
    SET_UNION = "set-union"
    STATE_MACHINE = "state-machine"
    HUMAN = "human"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """A field's policy; `steps` are the legal moves of a state machine, `{state: [next states]}`."""

    policy: Policy
    steps: Mapping[str, Ids[str]] = field(default_factory=dict)


class Stored(NamedTuple):
    """A record as the server holds it: `fields` has the value of every field a device may send.

    `rules`: the policies of this one record, where they are not its collection's (a form says so of its questions).
    """

    rev: int
    fields: Mapping[str, Any]
    deleted: bool = False
    rules: Mapping[str, FieldRule] | None = None


class Change(NamedTuple):
    """What is left to write after merging: `kind`, the surviving `fields`, and the op they came in.

    `stored` is the record the decision was made on, None for a create.
    """

    kind: Kind
    rec_id: UUID
    fields: Mapping[str, Any]
    stored: Stored | None
    op: Op
    device: Device


class Doc(NamedTuple):
    """A record as the device gets it: its revision and a JSON object, or that object's text as a database wrote it."""

    rev: int
    body: Mapping[str, Any] | str


Ctx = TypeVar("Ctx", contravariant=True)


class Collection(Protocol[Ctx]):
    """One kind of record. `Ctx` is the application's unit of work."""

    @property
    def entity(self) -> str:
        """The name on the wire: lower case letters, digits, underscores."""

    @property
    def schema_versions(self) -> Ids[int]:
        """Every version of `fields` that `apply` understands."""

    @property
    def upcasters(self) -> Mapping[int, Upcaster]:
        """Steps `v → v + 1` for the released versions that `apply` does not understand any more (W8)."""

    @property
    def rules(self) -> Mapping[str, FieldRule]:
        """Policies by field name or by prefix (`answers.*`); what is not named here a device cannot write."""

    @property
    def on_delete(self) -> Policy:
        """`human`, `device` or `server`: who wins when a deleted record changed meanwhile (M10)."""

    @property
    def push_only(self) -> bool:
        """True: devices never hold such records, so scope is not asked (S6)."""

    def stored(self, ctx: Ctx, rec_id: UUID) -> Stored | None:
        """The record, locked for this transaction; deleted ones too; None if it never was."""

    def apply(self, ctx: Ctx, change: Change) -> int:
        """Check and write; returns the new revision. Whatever changes is told to the tracker.

        Raises:
            the application's own refusals, which the host's savepoint turns into `Rejected`.
        """

    def docs(self, ctx: Ctx, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """The live records among `ids`, in one query. A record that is not there any more is left out."""

    def buckets_of(self, ctx: Ctx, rec_id: UUID) -> frozenset[str]:
        """The buckets the record belongs to now, computed from its own columns."""


@runtime_checkable
class ManyAtOnce(Protocol[Ctx]):
    """What a `Collection` may offer besides, when each of its records stands alone: no write of one touches another.

    A batch is then read and written in a number of statements that does not grow with it.
    """

    def stored_many(self, ctx: Ctx, ids: Ids[UUID]) -> Mapping[UUID, Stored]:
        """The records among `ids` that ever were, deleted ones too, locked in the order of their ids."""

    def check(self, ctx: Ctx, change: Change) -> None:
        """Refuse what the change itself shows to be wrong, before anything is written.

        Raises:
            Rejected: with the fields at fault.
        """

    def apply_many(self, ctx: Ctx, changes: Sequence[Change]) -> Sequence[int]:
        """Write changes of different records; returns their new revisions in the same order."""


def rule_for(rules: Mapping[str, FieldRule], name: str) -> FieldRule | None:
    """The rule of the longest match: the name itself, else its longest prefix ending in `.*` (M1)."""
    found = rules.get(name)
    prefix = name
    while found is None and "." in prefix:
        prefix = prefix.rpartition(".")[0]
        found = rules.get(prefix + ".*")
    return found
