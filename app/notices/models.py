"""Tables of notices: what is to be said to whom, and what was handed over."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.customers.models import NoticeChannel
from app.kernel.db import Scoped, by_value


class Stage(StrEnum):
    """What is said: supply is lost, when it is expected, that this changed, that it is back."""

    KNOWN = "known"
    EXPECTED = "expected"
    CHANGED = "changed"
    RESTORED = "restored"


class NoticeState(StrEnum):
    """Dropped: it became untrue before it was said. Given up: no try succeeded."""

    QUEUED = "queued"
    SENT = "sent"
    DROPPED = "dropped"
    GIVEN_UP = "given_up"


class Notice(Scoped):
    """One thing said to one customer. `begun_at` tells losses of one outage apart, `estimate_id` times expected."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint(
            "outage_id", "party_id", "begun_at", "stage", "estimate_id",
            name="uq_notice_told_once", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_notice_due", "due_at", postgresql_where=text("state = 'queued'")),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("(estimate_id IS NOT NULL) = (stage IN ('expected', 'changed'))", name="of_an_estimate"),
        CheckConstraint("tries >= 0", name="tries"),
    )  # fmt: skip

    outage_id: Mapped[UUID] = mapped_column(ForeignKey("outage.id"))
    party_id: Mapped[UUID] = mapped_column(ForeignKey("party.id"), index=True)
    premises_id: Mapped[UUID] = mapped_column(ForeignKey("premises.id"))
    begun_at: Mapped[datetime]
    stage: Mapped[Stage] = mapped_column(by_value(Stage, name="stage"))
    estimate_id: Mapped[UUID | None] = mapped_column(ForeignKey("estimate.id"))
    channel: Mapped[NoticeChannel] = mapped_column(by_value(NoticeChannel, name="channel"))
    locale: Mapped[str]
    words: Mapped[str | None]
    state: Mapped[NoticeState] = mapped_column(by_value(NoticeState, name="state"))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class Delivery(Scoped):
    """What the local carrier delivered, once for each notice: where messages land in an installation without one."""

    __tablename__ = "delivery"

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"), unique=True)
    channel: Mapped[NoticeChannel] = mapped_column(by_value(NoticeChannel, name="channel"))
    address: Mapped[str]
    words: Mapped[str]
    at: Mapped[datetime]
