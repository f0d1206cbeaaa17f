"""The anchor's own day: open jobs, booked visits, crews at work, outages still open."""

from __future__ import annotations

from datetime import timedelta

from app.district.history import OPEN_OUTAGES, Scene, open_outage
from app.district.jobs import MINUTES, Asked
from app.district.people import Crew

BACKLOG = (("gas_alteration", 30), ("gas_ignition", 22), ("inspection", 26), ("metering", 12), ("care_visit", 6),
           ("outage_repair", 4))  # fmt: skip
BOOKED = {"gas_installation": ("gas_alteration", "gas_ignition"), "inspection": ("inspection",),
          "metering": ("metering",), "care": ("care_visit",)}  # fmt: skip
KEPT_FREE = frozenset({"R1", "R2", "R3", "R4", "R5", "G1"})  # crews of the story start the day with nothing live
SLOT_MINUTES = 75


def write_today(scene: Scene) -> None:
    """Exactly `open_jobs` open jobs, `booked_visits` of them on crews' days."""
    live = _live(scene)
    booked = _booked(scene)
    for _ in range(scene.size.open_jobs - live - booked):
        kind = scene.rng.choices([k for k, _ in BACKLOG], [w for _, w in BACKLOG])[0]
        opened = scene.moment(scene.rng.randrange(1, 6))
        start = scene.book.anchor.replace(hour=0) + timedelta(
            days=scene.rng.randrange(1, 8), hours=scene.rng.randrange(8, 17)
        )
        hurried = kind == "outage_repair"
        asked = Asked(kind, scene.rng.choice(scene.clients), opened, "urgent" if hurried else "normal",
                      window=None if hurried else (start, start + timedelta(hours=2)))  # fmt: skip
        scene.writer.open(asked, "new")


def _live(scene: Scene) -> int:
    """Repair crews on the open outages; how many jobs that makes."""
    free = [crew for crew in scene.people.crews["outage_repair"] if crew.code not in KEPT_FREE]
    busy = free[:OPEN_OUTAGES] or scene.people.crews["outage_repair"][-1:]
    for n in range(OPEN_OUTAGES):
        opened = scene.book.anchor - timedelta(minutes=35 + 20 * n)
        asked = open_outage(scene, scene.clients[len(scene.clients) * (n + 2) // 7], opened)
        if n < len(busy):
            _at_work(scene, asked, busy[n], "en_route" if n == 0 else "working")
        else:
            scene.writer.open(asked, "new")
    return OPEN_OUTAGES


def _at_work(scene: Scene, asked: Asked, crew: Crew, state: str) -> None:
    times = {"accepted": asked.opened_at + timedelta(minutes=6), "en_route": asked.opened_at + timedelta(minutes=8)}
    if state == "working":
        times |= {
            "arrived": asked.opened_at + timedelta(minutes=27),
            "working": asked.opened_at + timedelta(minutes=30),
        }
    own = scene.writer.open(asked, state, arrived=times.get("arrived"))
    scene.writer.assign(own, crew, asked.opened_at + timedelta(minutes=5), live=True)
    for kind, at in times.items():
        scene.writer.event(own, at, kind, crew.lead, crew)


def _booked(scene: Scene) -> int:
    """Visits one after the other on the days of the crews that make them."""
    crews = [crew for kind in BOOKED for crew in scene.people.crews.get(kind, [])]
    for n in range(scene.size.booked_visits):
        crew = crews[n % len(crews)]
        kind = scene.rng.choice(BOOKED[crew.kind])
        start = scene.book.anchor + timedelta(minutes=30 + SLOT_MINUTES * (n // len(crews)))
        window = (start, start + timedelta(minutes=90))
        asked = Asked(kind, scene.rng.choice(scene.clients), scene.moment(scene.rng.randrange(2, 9)), window=window)
        own = scene.writer.open(asked, "planned")
        length = timedelta(minutes=min(MINUTES[kind][1], SLOT_MINUTES - 10))
        scene.writer.assign(
            own, crew, asked.opened_at + timedelta(minutes=20), live=False, planned=(start, start + length)
        )
    return scene.size.booked_visits
