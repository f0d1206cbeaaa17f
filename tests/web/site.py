"""A repair that a free crew was sent to, the tablets of that crew, and whether both sides hold the same in the end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import requests
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import create_engine, text

from app.story.desk import Desk
from app.story.tablet import Tablet as Witness
from tests.web.crew_tablet import CrewTablet, eventually
from tests.web.product import Product

REPAIR_CREWS = {"R1": "r1", "R2": "r2", "R3": "zhaoqiang", "R4": "r4"}
PLACE = {"longitude": 114.2781, "latitude": 22.6474, "accuracy": 8}
ALLOWED: dict[str, Any] = {"permissions": ["geolocation", "camera"], "geolocation": PLACE}
PREVIEW = "thumb"  # made of a photo; the office keeps it, and gives it to nobody by its hash
LEDGER = text("SELECT op_no, status FROM sync_op WHERE device_id = :device")


@dataclass
class Site:
    """The job, who leads its crew, and the office that knows of it."""

    product: Product
    desk: Desk
    job: dict[str, Any]
    login: str
    _witness: list[Witness] = field(default_factory=list)

    @classmethod
    def of_a_new_call(cls, product: Product, desk: Desk) -> Site:
        """An outage call whose job is with the best free repair crew."""
        home = next(hit for hit in desk.get("/api/v1/search", q="街道")["items"] if hit["kind"] == "premises")
        call = {"channel": "phone", "symptom": "no_supply", "premises_id": home["id"], "join": "new"}
        job_id = desk.post("/api/v1/calls", call)["job_id"]
        ranked = desk.get(f"/api/v1/jobs/{job_id}/candidates")["items"]
        crew = next(one for one in ranked if one["ok"] and one["code"] in REPAIR_CREWS)
        desk.post(f"/api/v1/jobs/{job_id}/assignments", {"crew_id": crew["crew_id"]})
        return cls(product, desk, desk.get(f"/api/v1/jobs/{job_id}"), REPAIR_CREWS[crew["code"]])

    @property
    def number(self) -> str:
        """The job's number."""
        return str(self.job["number"])

    def now(self) -> dict[str, Any]:
        """The job as the office has it."""
        job: dict[str, Any] = self.desk.get(f"/api/v1/jobs/{self.job['id']}")
        return job

    def answers(self) -> dict[str, Any]:
        """The checklist as the office has it."""
        answers: dict[str, Any] = self.now()["record"]["answers"]
        return answers

    def code(self) -> str:
        """A one-time code for one more tablet."""
        admin = Desk(self.product.origin, "admin", self.product.password)
        return str(admin.post("/api/v1/devices/enrolment-codes", {"name": "tablet of the test"})["code"])

    def tablet_on(self, context: BrowserContext, origin: str) -> CrewTablet:
        """A tablet of the crew, enrolled, with the job on it."""
        page = context.pages[0] if context.pages else context.new_page()
        tablet = CrewTablet(page, origin)
        tablet.enrol(code=self.code(), login=self.login, password=self.product.password)
        expect(page.locator(f"[data-job='{self.number}']")).to_be_visible(timeout=20_000)
        return tablet

    def everything_arrives(self, tablet: CrewTablet) -> None:
        """The tablet delivers all it has, and in the end both sides hold the same."""
        tablet.sync_now()
        eventually(lambda: tablet.unsent() == 0, what="the delivery")
        eventually(lambda: self.differences(tablet) == [] or tablet.sync_now() == "", what="the same on both sides")

    def ledger(self, tablet: CrewTablet) -> dict[int, str]:
        """The tablet's ops that the office has judged, each once, and how."""
        engine = create_engine(self.product.env["DATABASE_URL"])
        with engine.connect() as connection:
            rows = connection.execute(LEDGER, {"device": tablet.device_id()}).all()
        engine.dispose()
        assert len(rows) == len({number for number, _ in rows})
        return {row.op_no: row.status for row in rows}

    def witness(self) -> Witness:
        """Another tablet of the same person, in another language: what it is told is what the office holds."""
        if not self._witness:
            password = self.product.password
            self._witness.append(
                Witness.enrol(self.product.origin, login=self.login, password=password, code=self.code())
            )
        self._witness[0].pull()
        return self._witness[0]

    def differences(self, tablet: CrewTablet) -> list[str]:
        """What tablet and office do not both hold: ops by number and result, records by revision and content, files."""
        witness = self.witness()
        here = {(row["entity"], row["id"]): (row["rev"], row["doc"]) for row in tablet.rows("docs")}
        there = {key: (witness.revs[key], doc) for key, doc in witness.docs.items()}
        ops = {row["op_no"]: (row["result"] or {}).get("status") for row in tablet.rows("ops")}
        found = [
            f"{key}: {here.get(key)} here, {there.get(key)} there"
            for key in here.keys() | there.keys()
            if here.get(key) != there.get(key)
        ]
        if ops != self.ledger(tablet):
            found.append(f"ops {ops} here, {self.ledger(tablet)} there")
        files = tablet.rows("files")
        return found + [
            f"file {row}"
            for row in files
            if row["state"] != "verified" or not (row["kind"] == PREVIEW or kept(witness, row["sha256"]))
        ]


def kept(witness: Witness, sha256: str) -> bool:
    """Whether the office gives back the very bytes."""
    headers = {"Authorization": f"Bearer {witness.token}"}
    answer = requests.get(f"{witness.origin}/sync/v1/blobs/{sha256}", headers=headers, timeout=15)
    return answer.ok and hashlib.sha256(answer.content).hexdigest() == sha256
