"""`browser.crew`: the tablet app without a link: how soon it shows its jobs, takes a tap, and empties its queue."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from playwright.sync_api import BrowserContext, Geolocation, expect
from sqlalchemy import select, text

from app.bench.browser.chromium import HERE, TABLET, browser_options
from app.bench.browser.house import PASSWORD, House, open_house
from app.bench.browser.pages import GHOST_TAP_MS, SLOW_MS, Tablet
from app.bench.browser.probes import ONLINE_TO_TEXT, TOUCH_TO_SEEN, first_seen
from app.bench.figures import Figure, at_most
from app.bench.scratch import DEMO_DAY
from app.identity.models import Person
from app.identity.service import actor_of, tablets
from app.jobs.models import Assignment, Job, JobState
from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime

LED_BY = "SELECT m.crew_id FROM crew_member m JOIN person p ON p.id = m.person_id WHERE m.lead AND p.login = :login"
LOGIN = "hemin"  # leads a gas crew with booked visits
ADMIN = "admin"
JOBS = 20
VISIT = timedelta(minutes=5)
STEPS = ("accepted", "en_route", "arrived", "working")
ACTIONS = 100
STARTS = 3
COLD_MS = {1: 1_500.0, 6: 2_500.0}
TAP_MS, DRAIN_S = 200.0, 3.0
PLACE: Geolocation = {"longitude": 114.2781, "latitude": 22.6474, "accuracy": 8}


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Milliseconds offline from a new browser process to the job list, from a tap to its badge; seconds of a drain."""
    with open_house(runtime) as house, TemporaryDirectory(prefix="lamplighter-tablet-") as profile:
        numbers = book_visits(house.runtime)
        glass = Glass(house, Path(profile))
        enrol(glass, numbers)
        for slowdown, goal in COLD_MS.items():
            yield cold_start(glass, slowdown, goal)
        with glass.awake(offline=True) as context:
            yield tap(Tablet(context.pages[0], house.origin), numbers)
            yield drain(Tablet(context.pages[0], house.origin), context)
        yield house.loyalty("crew")


@dataclass(frozen=True)
class Glass:
    """One tablet: a browser profile that outlives its processes."""

    house: House
    profile: Path

    @contextmanager
    def awake(self, **options: Any) -> Iterator[BrowserContext]:
        """A new browser process over the profile."""
        kept: dict[str, Any] = {"viewport": TABLET, "has_touch": True, "permissions": ["geolocation"], **HERE}
        started = self.house.playwright.chromium.launch_persistent_context(
            self.profile, **browser_options(), **kept, geolocation=PLACE, **options
        )
        yield self.house.watch.over(started)
        started.close()


def book_visits(runtime: Runtime) -> list[str]:
    """Give the crew visits until it has `JOBS` today; the numbers of those that were added."""
    with runtime.unit_of_work(SYSTEM) as uow:
        crew_id: UUID = uow.session.execute(text(LED_BY), {"login": LOGIN}).scalar_one()
        has = select(Assignment.id).where(Assignment.crew_id == crew_id, Assignment.ended_at.is_(None))
        missing = JOBS - len(uow.session.scalars(has).all())
        waiting = select(Job).where(Job.state == JobState.NEW, Job.outage_id.is_(None)).order_by(Job.number)
        jobs = uow.session.scalars(waiting.limit(missing)).all()
        midnight = uow.now.astimezone(DEMO_DAY.tzinfo).replace(hour=0, minute=0, second=0, microsecond=0)
        for n, job in enumerate(jobs):
            job.state = JobState.PLANNED
            job.window_start, job.window_end = midnight + n * VISIT, midnight + (n + 1) * VISIT
            visit = Assignment(
                id=uow.new_id(),
                branch_id=job.branch_id,
                job_id=job.id,
                crew_id=crew_id,
                live=False,
                planned_start=job.window_start,
                planned_end=job.window_end,
                assigned_at=uow.now,
            )
            uow.session.add(visit)
        return [job.number for job in jobs]


def enrol(glass: Glass, numbers: list[str]) -> None:
    """Make the tablet known and wait until all its jobs and the app's files are on it."""
    with glass.house.runtime.unit_of_work(SYSTEM) as uow:
        admin = uow.session.scalars(select(Person.id).where(Person.login == ADMIN)).one()
        uow.actor = actor_of(uow, admin)
        code, _ = tablets.make_enrolment_code(uow, name="bench")
    with glass.awake() as context:
        tablet = Tablet(context.pages[0], glass.house.origin)
        tablet.enrol(code=code, login=LOGIN, password=PASSWORD)
        for number in numbers:
            expect(tablet.page.locator(f"[data-job='{number}']")).to_be_visible(timeout=SLOW_MS)


def cold_start(glass: Glass, slowdown: int, goal_ms: float) -> Figure:
    """From navigation in a new browser process without a link to the list of jobs on screen."""
    took, cards = [], 0
    for _ in range(STARTS):
        with glass.awake(offline=True) as context:
            page = context.pages[0]
            page.add_init_script(first_seen("[data-job]"))
            client = context.new_cdp_session(page)
            client.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
            page.goto(f"{glass.house.origin}/crew/jobs")
            took.append(float(page.evaluate("probe.seen")))
            cards = page.locator("[data-job]").count()
    told = f"median of {STARTS} new browser processes, {cards} jobs; processor slowed {slowdown} times"
    return at_most(f"crew.cold-start.{slowdown}x", statistics.median(took), "ms", goal_ms, told)


def tap(tablet: Tablet, numbers: list[str]) -> Figure:
    """From the touch of a job's next step to its tick and the badge that says it waits."""
    took = []
    tablet.page.goto(f"{tablet.origin}/crew/jobs")
    tablet.open_job(numbers[0])
    expect(tablet.page.locator("[data-testid=next]")).to_be_visible(timeout=SLOW_MS)
    expect(tablet.page.locator("main [data-badge=synced]")).to_have_count(1, timeout=SLOW_MS)
    for reached in STEPS:
        tablet.page.wait_for_timeout(GHOST_TAP_MS)
        tablet.page.evaluate(TOUCH_TO_SEEN, f"main:has([data-badge=pending]) li[data-step={reached}].done")
        tablet.page.tap("[data-testid=next]")
        took.append(float(tablet.page.evaluate("touched")))
    return at_most("crew.tap-to-badge", max(took), "ms", TAP_MS, f"the slowest of {len(STEPS)} taps, without a link")


def drain(tablet: Tablet, context: BrowserContext) -> Figure:
    """From the browser's `online` to the strip that says that nothing waits, with a queue of edits.

    Raises:
        RuntimeError: the office did not take all of them.
    """
    tablet.open_form()
    tiles = tablet.page.locator("[role=radiogroup] [role=radio]:not([data-value=true], [data-value=false])")
    turn = 0
    while (queued := tablet.unsent()) < ACTIONS:
        for _ in range(ACTIONS - queued):
            tiles.nth(turn % tiles.count()).click()
            turn += 1
    cleared = "没有待上传"
    tablet.page.evaluate(ONLINE_TO_TEXT, ["[data-testid=waiting]", cleared])
    context.set_offline(False)
    took_ms = float(tablet.page.evaluate("drained"))
    answers = [row["result"] or {} for row in tablet.work()]
    refused = [answer for answer in answers if answer.get("status") not in {"applied", "merged"}]
    if refused:
        raise RuntimeError(f"{len(refused)} of {queued} were not taken: {refused[0]}")
    return at_most("crew.drain", took_ms / 1000, "s", DRAIN_S, f"{queued} queued edits, loopback")
