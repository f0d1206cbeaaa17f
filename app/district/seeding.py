"""What the sync engine must know of records that were loaded behind its back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.sync.placement import seed

# One reference a file and record, as an upload would have left it.
_REFERENCES = text(
    """
    INSERT INTO blob_ref (entity, rec_id, slot, sha256, taken_at)
    SELECT 'attachment', id, slot, decode(sha256, 'hex'), taken_at FROM attachment WHERE branch_id = :branch
    """
)


def seed_sync(session: Session, branch_id: UUID, now: datetime) -> int:
    """Note which files are used and put the records into the buckets of tablets; how many entries that made."""
    session.execute(_REFERENCES, {"branch": branch_id})
    return seed(session, now)
