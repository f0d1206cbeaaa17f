"""One job's rows: the job, its assignment, its timeline, its checklist, its photos."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.district.book import Book
from app.district.clients import Client
from app.district.names import FIXTURES
from app.district.people import Crew
from app.district.photos import Photo

SHANGHAI = ZoneInfo("Asia/Shanghai")
FORM_OF = {"outage_repair": "outage-repair", "gas_leak": "gas-leak", "gas_alteration": "gas-alteration",
           "gas_ignition": "gas-ignition", "inspection": "inspection", "metering": "metering",
           "care_visit": "care-visit"}  # fmt: skip
PREFIX = {"outage_repair": "QX", "gas_leak": "LQ", "gas_alteration": "GG", "gas_ignition": "DH", "inspection": "AJ",
          "metering": "JL", "care_visit": "GA"}  # fmt: skip
SKILL = {"outage_repair": "low_voltage", "gas_leak": "gas_pipe", "gas_alteration": "gas_pipe",
         "gas_ignition": "gas_ignition", "inspection": "inspection", "metering": "metering",
         "care_visit": "care"}  # fmt: skip
CREW_FOR = {"outage_repair": "outage_repair", "gas_leak": "gas_installation", "gas_alteration": "gas_installation",
            "gas_ignition": "gas_installation", "inspection": "inspection", "metering": "metering",
            "care_visit": "care"}  # fmt: skip
MINUTES = {"outage_repair": (25, 150), "gas_leak": (20, 90), "gas_alteration": (60, 200), "gas_ignition": (30, 70),
           "inspection": (12, 35), "metering": (20, 50), "care_visit": (25, 60)}  # fmt: skip
RESTORES = frozenset({"outage_repair", "gas_leak"})


@cache
def forms() -> dict[str, dict[str, Any]]:
    """Form documents by code."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((FIXTURES / "forms").glob("*.json"))]
    return {document["code"]: document for document in documents}


def write_forms(book: Book) -> None:
    """All checklists, published long before the anchor."""
    for code, document in forms().items():
        book.put("form", code=code, version=document["version"], id=book.new_id(), job_kind=document["kind"],
                 document=document, published_at=book.anchor - timedelta(days=400))  # fmt: skip


@dataclass
class Numbers:
    """Readable numbers as the application gives them: a series a prefix and local day."""

    last: dict[tuple[str, str], int]

    def next(self, prefix: str, at: datetime) -> str:
        """Such as QX20260716-0042."""
        key = (prefix, f"{at.astimezone(SHANGHAI):%Y%m%d}")
        self.last[key] = self.last.get(key, 0) + 1
        return f"{prefix}{key[1]}-{self.last[key]:04d}"

    def write(self, book: Book) -> None:
        """The counters, so that the application goes on where the history stopped."""
        for (prefix, day), last in self.last.items():
            date = datetime.strptime(day, "%Y%m%d").replace(tzinfo=SHANGHAI).date()
            book.put("number_counter", prefix=prefix, day=date, last=last)


@dataclass(frozen=True)
class Asked:
    """What a job is about."""

    kind: str
    client: Client
    opened_at: datetime
    priority: str = "normal"
    outage_id: UUID | None = None
    window: tuple[datetime, datetime] | None = None
    due_at: datetime | None = None
    note: str | None = None


class JobWriter:
    """Writes jobs of any age."""

    def __init__(self, rng: Random, book: Book, numbers: Numbers, desk: UUID) -> None:
        self.rng, self.book, self.numbers, self.desk = rng, book, numbers, desk

    def open(self, asked: Asked, state: str, **times: datetime | None) -> UUID:
        """The job's own row and its empty or filled checklist's; returns its id."""
        own = self.book.new_id(asked.opened_at)
        form = forms()[FORM_OF[asked.kind]]
        client = asked.client
        self.book.put("job", id=own, rev=1, deleted_at=None,
                      number=self.numbers.next(PREFIX[asked.kind], asked.opened_at),
                      kind=asked.kind, state=state, priority=asked.priority, required_skill=SKILL[asked.kind],
                      address=client.premises.address, location=client.premises.at, contact_name=client.name,
                      contact_phone=client.phone, premises_id=client.premises.id, outage_id=asked.outage_id,
                      form_code=form["code"], form_version=form["version"],
                      window_start=asked.window[0] if asked.window else None,
                      window_end=asked.window[1] if asked.window else None, due_at=asked.due_at, note=asked.note,
                      finding=None, opened_at=asked.opened_at, arrived_at=times.get("arrived"),
                      restored_at=times.get("restored"), completed_at=times.get("completed"))  # fmt: skip
        answers = answered(self.rng, form) if state == "completed" else {}
        self.book.put("form_record", id=self.book.new_id(asked.opened_at), rev=1, deleted_at=None, job_id=own,
                      form_code=form["code"], form_version=form["version"], answers=answers)  # fmt: skip
        self.event(own, asked.opened_at, "opened", self.desk, None, {"priority": asked.priority})
        return own

    def assign(self, job_id: UUID, crew: Crew, at: datetime, *, live: bool,
               planned: tuple[datetime, datetime] | None = None, ended: datetime | None = None) -> None:  # fmt: skip
        """The crew's assignment; `ended` when the job was completed."""
        self.book.put("assignment", id=self.book.new_id(at), job_id=job_id, crew_id=crew.id, live=live,
                      planned_start=planned[0] if planned else None, planned_end=planned[1] if planned else None,
                      assigned_at=at, assigned_by=self.desk, ended_at=ended, end_reason="completed" if ended else None,
                      reasons=[])  # fmt: skip
        self.event(job_id, at, "assigned" if live else "planned", self.desk, crew)

    def event(self, job_id: UUID, at: datetime, kind: str, person: UUID | None, crew: Crew | None,
              detail: dict[str, Any] | None = None) -> None:  # fmt: skip
        """One line of the timeline."""
        self.book.put("job_event", id=self.book.new_id(at), job_id=job_id, at=at, received_at=at, person_id=person,
                      crew_id=crew.id if crew else None, device_id=None, kind=kind, detail=detail or {})  # fmt: skip

    def done(self, asked: Asked, crew: Crew, work_minutes: int) -> tuple[UUID, datetime]:
        """A whole life: assigned, driven to, worked on, completed. Returns (id, arrival)."""
        drive = self.rng.randrange(6, 38)
        assigned = asked.opened_at if asked.window is None else asked.window[0] - timedelta(minutes=drive + 10)
        assigned += timedelta(minutes=self.rng.randrange(1, 9))
        steps = {"accepted": assigned + timedelta(minutes=1), "en_route": assigned + timedelta(minutes=3)}
        steps["arrived"] = steps["en_route"] + timedelta(minutes=drive)
        steps["working"] = steps["arrived"] + timedelta(minutes=4)
        if asked.kind in RESTORES:
            steps["restored"] = steps["working"] + timedelta(minutes=work_minutes)
        steps["completed"] = steps["working"] + timedelta(minutes=work_minutes + 9)
        own = self.open(asked, "completed", **steps)
        self.assign(own, crew, assigned, live=True, ended=steps["completed"])
        for kind, at in steps.items():
            self.event(own, at, kind, crew.lead, crew)
        return own, steps["arrived"]

    def photo(self, job_id: UUID, crew: Crew, slot: str, at: datetime, photo: Photo, where: tuple[float, float],
              kind: str = "photo", signer: str | None = None) -> None:  # fmt: skip
        """One attachment; its bytes are shared with many others."""
        self.book.put("attachment", id=self.book.new_id(at), rev=1, deleted_at=None, job_id=job_id, kind=kind,
                      slot=slot, sha256=photo.sha256, size_bytes=photo.size_bytes, mime=photo.mime, taken_at=at,
                      location=where, accuracy_m=8.0, signer_name=signer, strokes=None, person_id=crew.lead,
                      device_id=None, width_px=photo.width, height_px=photo.height, thumbnail_sha256=photo.thumbnail,
                      verified_at=at, refused=None)  # fmt: skip


def answered(rng: Random, form: dict[str, Any]) -> dict[str, Any]:
    """Plausible answers to the required items: the first, good choice mostly."""
    return {item: _answer(rng, form["schema"]["properties"][item]) for item in form["required"]}


def _answer(rng: Random, schema: dict[str, Any]) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        choices = schema["enum"]
        return choices[0] if rng.random() < 0.7 else rng.choice(choices)
    if schema["type"] == "boolean":
        return True
    if schema["type"] in ("number", "integer"):
        low, high = schema["minimum"], schema["maximum"]
        return low + round((high - low) * rng.triangular(0.05, 0.6, 0.2))
    return "见照片"
