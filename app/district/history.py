"""Ninety days behind the anchor: outages with their calls, completed jobs with photos, everyday calls."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import numpy as np
from scipy.spatial import cKDTree

from app.district.book import Book
from app.district.clients import Client
from app.district.ground import Ground
from app.district.jobs import CREW_FOR, FORM_OF, MINUTES, Asked, JobWriter, Numbers, forms
from app.district.names import words
from app.district.people import Crew, People
from app.district.photos import Photo
from app.district.sizes import Size

# Shares of the completed jobs; 5,200 inspections of 14,200 are given, the rest is spread by ourselves.
SHARES = {"inspection": 5200, "gas_alteration": 2600, "gas_ignition": 2100, "metering": 1700, "outage_repair": 1600,
          "care_visit": 700, "gas_leak": 300}  # fmt: skip
CAUSES = ("storm", "tree", "ageing", "overload", "third_party", "animal")
CALL_HOURS = (1, 1, 1, 1, 1, 2, 4, 8, 12, 13, 12, 10, 8, 9, 11, 11, 10, 10, 12, 14, 12, 8, 4, 2)  # calls by hour of day
CALL_KINDS = (("enquiry", 42), ("billing", 26), ("connection", 14), ("complaint", 8), ("outage_call", 10))
OPEN_OUTAGES = 2  # still open at the anchor
OPEN_CALLS = 3  # about each of them
HOT_SPOT_SHARE = 0.4  # of billing calls come from one community: the planted reading dispute


@dataclass
class Scene:
    """What every part of the history draws from."""

    rng: Random
    book: Book
    size: Size
    ground: Ground
    people: People
    clients: list[Client]
    numbers: Numbers
    writer: JobWriter
    photos: list[Photo]
    signatures: list[Photo]
    shot: int = 0

    def crew(self, kind: str) -> Crew:
        """Some crew that does such jobs."""
        return self.rng.choice(self.people.crews[CREW_FOR[kind]])

    def moment(self, days_ago: int) -> datetime:
        """A working hour of a past day."""
        hour = self.rng.choices(range(24), CALL_HOURS)[0]
        midnight = self.book.anchor.replace(hour=0, minute=0) - timedelta(days=days_ago)
        return midnight + timedelta(hours=hour, minutes=self.rng.randrange(60), seconds=self.rng.randrange(60))


def write_history(scene: Scene) -> None:
    """Outages first, then jobs until the size's count, then calls until the size's count."""
    outage_jobs, outage_calls = _outages(scene)
    total = scene.size.history_jobs
    kinds = [kind for kind, share in SHARES.items() for _ in range(round(total * share / sum(SHARES.values())))]
    for _ in range(outage_jobs):
        kinds.remove("outage_repair")
    kinds = (kinds + ["inspection"] * total)[: total - outage_jobs]
    scene.rng.shuffle(kinds)
    album = Album(scene)
    for n, kind in enumerate(kinds):
        days_ago = scene.size.history_days - n * (scene.size.history_days - 1) // len(kinds)
        _everyday(scene, kind, days_ago, album)
    album.finish()
    _calls(scene, scene.size.calls - outage_calls)


def _everyday(scene: Scene, kind: str, days_ago: int, album: Album) -> None:
    opened = scene.moment(days_ago)
    booked = kind not in ("outage_repair", "gas_leak")
    window = (opened + timedelta(hours=2), opened + timedelta(hours=4)) if booked else None
    asked = Asked(kind, scene.rng.choice(scene.clients), opened, "normal" if booked else "urgent", window=window)
    crew = scene.crew(kind)
    job_id, arrived = scene.writer.done(asked, crew, scene.rng.randrange(*MINUTES[kind]))
    album.fill(job_id, asked, crew, arrived)


def _outages(scene: Scene) -> tuple[int, int]:
    """Closed outages of the past, each with a job and calls from round the failed transformer; (jobs, calls)."""
    near = cKDTree([client.premises.at for client in scene.clients])
    closed = scene.size.history_outages - OPEN_OUTAGES
    calls = 0
    album = Album(scene)
    for n in range(closed):
        opened = scene.moment(scene.size.history_days - n * (scene.size.history_days - 2) // closed)
        centre = scene.rng.choice(scene.clients)
        outage_id, asked = _outage(scene, centre, opened, state="closed")
        crew = scene.crew("outage_repair")
        job_id, arrived = scene.writer.done(asked, crew, scene.rng.randrange(30, 200))
        album.fill(job_id, asked, crew, arrived)
        count = min(scene.rng.choice((3, 5, 8, 14, 22)), len(scene.clients) // 8)
        for at in np.atleast_1d(near.query(centre.premises.at, count)[1]):
            taken = opened + timedelta(seconds=scene.rng.randrange(0, 1500))
            write_call(scene, scene.clients[int(at)], taken, "outage_call", "no_supply", outage_id)
        calls += count
    return closed, calls + OPEN_CALLS * OPEN_OUTAGES


def _outage(scene: Scene, centre: Client, opened: datetime, *, state: str) -> tuple[UUID, Asked]:
    own = scene.book.new_id(opened)
    restored = opened + timedelta(minutes=scene.rng.randrange(50, 240)) if state == "closed" else None
    node = scene.ground.node_ids[scene.ground.power.service[centre.premises.unit]]
    scene.book.put("outage", id=own, rev=1, deleted_at=None, number=scene.numbers.next("TD", opened), commodity="power",
                   state=state, location=centre.premises.at, suspected_node_id=node,
                   cause=scene.rng.choice(CAUSES) if restored else None, opened_at=opened, restored_at=restored,
                   closed_at=restored + timedelta(minutes=30) if restored else None, merged_into_id=None)  # fmt: skip
    due = opened + timedelta(minutes={"city": 45, "rural": 90, "remote": 120}[centre.premises.area_kind])
    return own, Asked("outage_repair", centre, opened, "emergency", outage_id=own, due_at=due)


def open_outage(scene: Scene, centre: Client, opened: datetime) -> Asked:
    """An outage still open at the anchor, with three calls; returns what its job is about."""
    outage_id, asked = _outage(scene, centre, opened, state="open")
    neighbours = [client for client in scene.clients if client.premises.estate == centre.premises.estate]
    for k in range(OPEN_CALLS):
        caller = centre if k == 0 else scene.rng.choice(neighbours)
        write_call(scene, caller, opened + timedelta(minutes=2 * k), "outage_call", "no_supply", outage_id)
    return asked


def write_call(
    scene: Scene, caller: Client, at: datetime, kind: str, symptom: str, outage_id: UUID | None = None
) -> None:
    """One demand, taken by the hotline."""
    note = scene.rng.choice(words()["symptom_notes"]) if kind == "outage_call" else None
    hotline = scene.people.by_login["mali"]
    closed = None if at > scene.book.anchor - timedelta(days=1) else at + timedelta(minutes=scene.rng.randrange(3, 600))
    scene.book.put("demand", id=scene.book.new_id(at), number=scene.numbers.next("SL", at), kind=kind,
                   channel=scene.rng.choices(("phone", "wechat", "web", "hall"), (70, 18, 8, 4))[0], symptom=symptom,
                   caller_name=caller.name, caller_phone=caller.phone, premises_id=caller.premises.id,
                   location=caller.premises.at, address=caller.premises.address, note=note, taken_by=hotline,
                   first_asked_id=hotline, taken_at=at, outage_id=outage_id, closed_at=closed)  # fmt: skip


def _calls(scene: Scene, count: int) -> None:
    by_estate: dict[int, list[Client]] = defaultdict(list)
    for client in scene.clients:
        by_estate[client.premises.estate].append(client)
    hot = max(by_estate.values(), key=len)
    for n in range(count):
        at = scene.moment(scene.size.history_days - n * (scene.size.history_days - 1) // max(1, count))
        kind = scene.rng.choices([k for k, _ in CALL_KINDS], [w for _, w in CALL_KINDS])[0]
        disputed = kind == "billing" and scene.rng.random() < HOT_SPOT_SHARE
        caller = scene.rng.choice(hot if disputed else scene.clients)
        symptom = scene.rng.choice(("partial_supply", "flicker", "low_voltage")) if kind == "outage_call" else "other"
        write_call(scene, caller, at, kind, symptom)


class Album:
    """Spreads the size's photos over the jobs: required slots first, then optional ones, then second shots."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.later: list[tuple[UUID, Asked, Crew, datetime, list[str]]] = []

    def fill(self, job_id: UUID, asked: Asked, crew: Crew, arrived: datetime) -> None:
        """Required photos and the signature of one completed job."""
        form = forms()[FORM_OF[asked.kind]]
        slots = [slot["slot"] for slot in form["photo_slots"] if slot["required"]]
        for slot in slots:
            self._shoot(job_id, asked, crew, arrived, slot)
        for signature in form["signature_slots"]:
            if signature["required"]:
                paper = self.scene.rng.choice(self.scene.signatures)
                self.scene.writer.photo(job_id, crew, signature["slot"], arrived, paper, asked.client.premises.at,
                                        "signature", asked.client.name)  # fmt: skip
        spare = [slot["slot"] for slot in form["photo_slots"]]
        if spare:
            self.later.append((job_id, asked, crew, arrived, spare))

    def finish(self) -> None:
        """Second shots until the count of photos is reached."""
        left = self.scene.size.photos - self.scene.shot
        for n in range(left):
            job_id, asked, crew, arrived, slots = self.later[n * len(self.later) // max(left, 1) % len(self.later)]
            self._shoot(job_id, asked, crew, arrived, slots[n % len(slots)])

    def _shoot(self, job_id: UUID, asked: Asked, crew: Crew, arrived: datetime, slot: str) -> None:
        at = arrived + timedelta(minutes=self.scene.rng.randrange(1, 20))
        self.scene.writer.photo(
            job_id, crew, slot, at, self.scene.rng.choice(self.scene.photos), asked.client.premises.at
        )
        self.scene.shot += 1
