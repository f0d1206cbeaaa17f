"""Bucket entries for what was loaded behind the sync engine's back."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from mobile_sync.adapters.sql import seed_entries

# What a crew's tablet holds: its own row, the open work it has, and everything of that work. Catalogues: the forms.
SOURCE = """
    SELECT 'crew:' || c.id, 'crew', c.id FROM crew c WHERE c.branch_id = :branch
    UNION ALL
    SELECT 'crew:' || a.crew_id, 'job', a.job_id FROM assignment a
    WHERE a.branch_id = :branch AND a.ended_at IS NULL
    UNION ALL
    SELECT 'crew:' || a.crew_id, 'form_record', f.id FROM assignment a JOIN form_record f ON f.job_id = a.job_id
    WHERE a.branch_id = :branch AND a.ended_at IS NULL
    UNION ALL
    SELECT 'crew:' || a.crew_id, 'attachment', t.id FROM assignment a JOIN attachment t ON t.job_id = a.job_id
    WHERE a.branch_id = :branch AND a.ended_at IS NULL
    UNION ALL
    SELECT 'catalog:' || CAST(:branch AS uuid), 'form', f.id FROM form f
"""
REFERENCES = """
    INSERT INTO blob_ref (entity, rec_id, slot, sha256, taken_at)
    SELECT 'attachment', id, slot, decode(sha256, 'hex'), taken_at FROM attachment WHERE branch_id = :branch
"""


def seed_sync(session: Session, branch_id: UUID) -> int:
    """Enter the loaded records into the buckets of their tablets, and note which files are used; entries made."""
    session.execute(text(REFERENCES), {"branch": branch_id})
    columns = "SELECT s.bucket_key, s.entity, s.rec_id FROM ({}) s (bucket_key, entity, rec_id)".format(SOURCE)  # noqa: S608, UP032
    return seed_entries(session, columns, {"branch": branch_id})
