"""What the reliability report costs over six years of interruptions, and whether it counts as the rules do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.bench.api import expect, signed_in
from app.bench.figures import Figure, at_most, backend_pid, cost_of
from app.bench.scratch import DEMO_DAY, scratch
from app.identity.models import Branch
from app.kernel.unit_of_work import Runtime
from app.network.models import Commodity
from app.reliability import queries
from app.reliability.models import Interruption
from app.reliability.queries import Asked
from app.reliability.rules import Counts, Lost, Standard, by_day

ROUNDS = 10
REPORT_MS = 1_000.0
YEARS = 6  # the one reported, and the five that its threshold is taken from
TIMES_A_YEAR = 2.0  # each customer's interruptions, a fifth of them momentary: supposed

# Accounts take turns day by day; on every 29th day five times as many are out. Times come from the number alone.
FILL = text(
    """
    WITH account_of AS (SELECT id, branch_id, row_number() OVER (ORDER BY id) - 1 AS n FROM account
                        WHERE service = 'power'),
    cause AS (SELECT id FROM outage WHERE commodity = 'power' ORDER BY id LIMIT 1),
    days AS (SELECT d, CAST(:anchor AS timestamptz) - d * interval '1 day' - interval '20 hours' AS day
             FROM generate_series(1, :days) AS d),
    out AS (SELECT a.id, a.branch_id, a.n + d.d AS turn, d.day + a.n % 1000 * interval '47 seconds' AS begun_at
            FROM days d JOIN account_of a ON (a.n + 7 * d.d) % CAST(365 / :times AS int) = 0
                                          OR d.d % 29 = 0 AND (a.n + d.d) % CAST(73 / :times AS int) = 0)
    INSERT INTO interruption
        (id, branch_id, outage_id, commodity, cause_class, account_id, begun_at, restored_at, stage)
    SELECT gen_random_uuid(), o.branch_id, c.id, 'power', CASE WHEN turn % 4 = 0 THEN 'planned' ELSE 'fault' END, o.id,
           begun_at, begun_at + CASE WHEN turn % 5 = 0 THEN 40 ELSE (5 + turn % 97) * 97 END * interval '1 second', 1
    FROM out o CROSS JOIN cause c
    ON CONFLICT DO NOTHING
    """
)


def measure(runtime: Runtime) -> Iterator[Figure]:
    """A year by month through the door; and the days of that year on which database and rules differ."""
    with scratch(runtime, "demo") as own, signed_in(own) as client:
        with own.sessions() as session:
            filled = {"anchor": DEMO_DAY, "days": YEARS * 365, "times": TIMES_A_YEAR}
            session.execute(FILL, filled)
            session.commit()
            session.execute(text("ANALYZE interruption"))
            branch_id = session.scalars(select(Interruption.branch_id).limit(1)).one()
            rows, differing = _differing(session, session.get_one(Branch, branch_id))
        path = f"/api/v1/reliability?branch_id={branch_id}"
        expect(client, path)
        with own.sessions() as session:  # one connection is enough: the door takes this very one from the pool
            backend = backend_pid(session.connection())
        spent = cost_of(partial(expect, client, path), times=ROUNDS, pids=[backend]).cpu_ms
        told = f"CPU of process and database, mean of {ROUNDS}; this year by month; {rows} rows of {YEARS} years"
        yield at_most("indices.report", spent, "ms", REPORT_MS, told)
        yield at_most("indices.differing", differing, "days", 0, "by the database and by the rules, each standard")


def _differing(session: Session, branch: Branch) -> tuple[int, int]:
    """How many interruptions there are, and on how many days of this year so far the two ways of counting differ."""
    zone, span = ZoneInfo(branch.timezone), (date(DEMO_DAY.year, 1, 1), DEMO_DAY.date())
    columns = Interruption.account_id, Interruption.cause_class, Interruption.begun_at, Interruption.restored_at
    lost = [Lost(*row) for row in session.execute(select(*columns))]
    differing = 0
    for standard in Standard:
        counted = queries.counts_by_day(session, Asked(branch.id, Commodity.POWER, zone, standard, DEMO_DAY), span)
        ruled = by_day(lost, zone=zone, standard=standard, now=DEMO_DAY)
        keys = counted.keys() | {key for key in ruled if span[0] <= key[0] <= span[1]}
        differing += sum(not _alike(counted.get(key), ruled.get(key)) for key in keys)
    return len(lost), differing


def _alike(one: Counts | None, other: Counts | None) -> bool:
    """Equal but for the last digits of the minutes, which are summed in another order."""
    if one is None or other is None:
        return False
    whole = [(counts.sustained, counts.momentary, counts.momentary_events) for counts in (one, other)]
    return whole[0] == whole[1] and abs(one.minutes - other.minutes) < 1e-6 * max(1.0, other.minutes)
