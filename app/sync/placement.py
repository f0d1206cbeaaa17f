"""Which bucket a record is in, computed from the tables: at each change for what changed, in bulk after a load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from app.kernel.actor import Actor, Permission
from app.kernel.buckets import catalog_key, crew_key, live_key, region_key, user_key
from mobile_sync.adapters.sql import seed_entries
from mobile_sync.protocol import Bucket

KEPT_AFTER_COMPLETION = timedelta(days=3)  # a crew can look up what it has just done

Placed = tuple[str, UUID]  # entity, record


def buckets_of_actor(actor: Actor, crew_ids: Iterable[UUID], region_ids: Iterable[UUID]) -> tuple[Bucket, ...]:
    """What somebody's tablet holds: their crew's work, what is amiss where it serves, forms, what is their own."""
    if actor.person_id is None or actor.home_branch_id is None:
        return ()
    own = Bucket(user_key(actor.person_id), priority=0)  # what alarms a person comes before all else
    if not actor.may(Permission.WORK_JOBS, actor.home_branch_id):
        return (own,)
    mine = [Bucket(crew_key(one), priority=0) for one in crew_ids]
    near = [Bucket(region_key(one), priority=1) for one in region_ids]
    return (*mine, *near, Bucket(catalog_key(actor.home_branch_id), priority=1), own)


# Where PostGIS is asked what lies where: when an outage or an outline changes, never when a tablet pulls. An outage on
# a border is in both.
_AMISS_IN = """o.state = 'open' AND p.branch_id = o.branch_id AND p.kind = 'sub_district'
                AND ST_Covers(p.boundary, o.location)"""
OUTAGES_BY_REGION = f"""
    SELECT 'region:' || p.id AS bucket_key, 'outage' AS entity, o.id AS rec_id
    FROM outage o JOIN place p ON {_AMISS_IN} WHERE o.deleted_at IS NULL
"""  # noqa: S608 - composed of constants
_OF_OUTAGES = text(
    f"""
    SELECT o.id, o.branch_id, p.id FROM outage o LEFT JOIN place p ON {_AMISS_IN}
    WHERE o.id = ANY(:outages) AND o.deleted_at IS NULL
    """  # noqa: S608 - composed of constants
).bindparams(bindparam("outages", type_=ARRAY(Uuid)))

_HELD = "(a.ended_at IS NULL OR (a.end_reason = 'completed' AND a.ended_at > :since))"

_OF_JOBS = text(
    f"""
    WITH held AS (SELECT a.job_id, a.crew_id FROM assignment a WHERE a.job_id = ANY(:jobs) AND {_HELD})
    SELECT r.entity, r.id, r.branch_id, held.crew_id FROM (
      SELECT 'job' AS entity, id, branch_id, id AS job_id FROM job WHERE id = ANY(:jobs) AND deleted_at IS NULL
      UNION ALL
      SELECT 'form_record', id, branch_id, job_id FROM form_record WHERE job_id = ANY(:jobs) AND deleted_at IS NULL
      UNION ALL
      SELECT 'attachment', id, branch_id, job_id FROM attachment WHERE job_id = ANY(:jobs) AND deleted_at IS NULL
    ) r LEFT JOIN held ON held.job_id = r.job_id
    """  # noqa: S608 - composed of constants
).bindparams(bindparam("jobs", type_=ARRAY(Uuid)))

_ALL = f"""
    SELECT 'crew:' || h.crew_id AS bucket_key, r.entity, r.rec_id
    FROM (SELECT a.job_id, a.crew_id FROM assignment a WHERE {_HELD}) h
    JOIN (SELECT 'job' AS entity, id AS rec_id, id AS job_id FROM job WHERE deleted_at IS NULL
          UNION ALL SELECT 'form_record', id, job_id FROM form_record WHERE deleted_at IS NULL
          UNION ALL SELECT 'attachment', id, job_id FROM attachment WHERE deleted_at IS NULL) r ON r.job_id = h.job_id
    UNION ALL SELECT 'crew:' || id, 'crew', id FROM crew WHERE deleted_at IS NULL
    UNION ALL SELECT 'catalog:' || b.id, 'form', f.id FROM branch b CROSS JOIN form f
    UNION ALL {OUTAGES_BY_REGION}
"""  # noqa: S608 - composed of constants

_OUTSTAYED = text(
    """
    SELECT a.job_id FROM assignment a
    JOIN sync_bucket b ON b.key = 'crew:' || a.crew_id
    JOIN sync_entry e ON e.bucket_id = b.id AND e.rec_id = a.job_id AND e.entity = 'job' AND NOT e.gone
    WHERE a.end_reason = 'completed' AND a.ended_at <= :since
    ORDER BY a.ended_at LIMIT :most
    """
)


def places_of_jobs(session: Session, jobs: Collection[UUID], now: datetime) -> Mapping[Placed, frozenset[str]]:
    """The buckets of these jobs, their checklists and files; one query. What is not there any more is left out."""
    rows = session.execute(_OF_JOBS, {"jobs": sorted(jobs), "since": now - KEPT_AFTER_COMPLETION})
    found: dict[Placed, set[str]] = defaultdict(set)
    for entity, rec_id, branch_id, crew_id in rows:
        found[entity, rec_id] |= {live_key(branch_id)} if crew_id is None else {live_key(branch_id), crew_key(crew_id)}
    return {placed: frozenset(keys) for placed, keys in found.items()}


def places_of_outages(session: Session, outages: Collection[UUID]) -> Mapping[UUID, frozenset[str]]:
    """The buckets of these outages; one query. What is not there any more is left out."""
    found: dict[UUID, set[str]] = defaultdict(set)
    for outage_id, branch_id, place_id in session.execute(_OF_OUTAGES, {"outages": sorted(outages)}):
        found[outage_id] |= {live_key(branch_id)} if place_id is None else {live_key(branch_id), region_key(place_id)}
    return {outage_id: frozenset(keys) for outage_id, keys in found.items()}


def outstayed(session: Session, now: datetime, *, most: int = 500) -> Iterator[UUID]:
    """Jobs that are still in a crew's bucket though they were completed too long ago."""
    yield from session.scalars(_OUTSTAYED, {"since": now - KEPT_AFTER_COMPLETION, "most": most})


def seed(session: Session, now: datetime) -> int:
    """Put bulk-loaded records into their buckets; returns how many entries are new."""
    return seed_entries(session, _ALL, {"since": now - KEPT_AFTER_COMPLETION})
