"""Idempotency-Key: the first answer to a write is kept with its effect and given again to a repeat.

After the IETF draft `draft-ietf-httpapi-idempotency-key-header`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, delete, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel.db import Model
from app.kernel.problems import IdempotencyKeyReused

KEEP = timedelta(hours=48)


class IdempotencyKey(Model):
    """One write by one person under one key, with the answer it got."""

    __tablename__ = "idempotency_key"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    content_type: Mapped[str]
    etag: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Answer:
    """A stored response."""

    status: int
    body: bytes
    content_type: str
    etag: str | None


def request_hash(method: str, path: str, body: bytes) -> bytes:
    """SHA-256 over what makes two requests the same."""
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).digest()


def earlier_answer(session: Session, person_id: UUID, key: str, fingerprint: bytes) -> Answer | None:
    """The answer given before under this key, or None. Holds a lock so that twins queue behind each other.

    Raises:
        IdempotencyKeyReused: the key was used for another request.
    """
    session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:scope, 0))"), {"scope": f"idempotency:{person_id}:{key}"}
    )
    row = session.get(IdempotencyKey, (person_id, key))
    if row is None:
        return None
    if row.request_hash != fingerprint:
        raise IdempotencyKeyReused
    return Answer(row.status, row.body, row.content_type, row.etag)


def remember(session: Session, person_id: UUID, key: str, fingerprint: bytes, answer: Answer, now: datetime) -> None:
    """Keep the answer in the transaction of the effect."""
    session.add(
        IdempotencyKey(
            person_id=person_id,
            key=key,
            request_hash=fingerprint,
            status=answer.status,
            body=answer.body,
            content_type=answer.content_type,
            etag=answer.etag,
            created_at=now,
        )
    )


def forget_old(session: Session, now: datetime) -> int:
    """Drop answers older than `KEEP`; returns how many."""
    return session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEEP)).rowcount  # type: ignore[attr-defined,no-any-return]  # a DELETE always has one
