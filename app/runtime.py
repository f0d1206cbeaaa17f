"""What every process of ours runs on: reactions, constraints and change tracking, wired in. No HTTP here."""

from __future__ import annotations

from app.config import Settings
from app.crews.errors import CONSTRAINT_PROBLEMS as CREW_CONSTRAINTS
from app.deadlines.errors import CONSTRAINT_PROBLEMS as DEADLINE_CONSTRAINTS
from app.identity.errors import CONSTRAINT_PROBLEMS as IDENTITY_CONSTRAINTS
from app.jobs.errors import CONSTRAINT_PROBLEMS as JOB_CONSTRAINTS
from app.kernel.doorbell import ring
from app.kernel.unit_of_work import Runtime
from app.planning.errors import CONSTRAINT_PROBLEMS as PLANNING_CONSTRAINTS
from app.reactions import REACTIONS
from app.supply.errors import CONSTRAINT_PROBLEMS as SUPPLY_CONSTRAINTS
from app.sync.track import follow_changes


def build_runtime(settings: Settings) -> Runtime:
    """The runtime of any of our processes: web, stream, worker, scheduler, command line."""
    runtime = Runtime.build(settings)
    runtime.reactions = REACTIONS
    runtime.constraint_problems = {
        **DEADLINE_CONSTRAINTS,
        **IDENTITY_CONSTRAINTS,
        **CREW_CONSTRAINTS,
        **JOB_CONSTRAINTS,
        **PLANNING_CONSTRAINTS,
        **SUPPLY_CONSTRAINTS,
    }
    runtime.ring = ring(runtime)
    follow_changes(runtime.sessions)
    return runtime
