"""Who could decide a conflict: dispatchers and team leaders of its branch, and the crew that has the job."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_OWNERS = text(
    """
    WITH could AS (
        SELECT g.person_id, g.role AS hand FROM role_grant g
        WHERE g.branch_id = :branch AND g.role IN ('dispatcher', 'team_leader')
        UNION
        SELECT m.person_id, 'crew' FROM assignment a JOIN crew_member m ON m.crew_id = a.crew_id AND m.until IS NULL
        WHERE a.job_id = :job AND (a.ended_at IS NULL OR a.end_reason = 'completed'))
    SELECT coalesce(json_agg(o ORDER BY o.name, o.id), '[]')::text
    FROM (SELECT p.id, p.name, p.name_en, array_agg(c.hand ORDER BY c.hand) AS hands
          FROM could c JOIN person p ON p.id = c.person_id
          WHERE p.active AND (CAST(:person AS uuid) IS NULL OR p.id = :person) GROUP BY p.id) o
    """
)


def owners_json(session: Session, *, branch_id: UUID, job_id: UUID, person_id: UUID | None = None) -> str:
    """Everybody who could, by name, or this one person if they could; JSON text of a list."""
    bound = {"branch": branch_id, "job": job_id, "person": person_id}
    return str(session.execute(_OWNERS, bound).scalar_one())
