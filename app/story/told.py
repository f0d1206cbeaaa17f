"""The story's steps: an outage call, a crew, a repair without a link, and a record that arrives whole and once."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from app.kernel.ids import new_id
from app.story.desk import Desk, Refused
from app.story.tablet import Tablet

PATIENCE_S = 30.0
WORK = ("accepted", "en_route", "arrived", "working")


class Broken(Exception):
    """The story did not go as it should."""


@dataclass(frozen=True)
class Step:
    """One line of the story as it went."""

    says: str
    seen: str


@dataclass(frozen=True)
class Cast:
    """Who plays: logins of the desk's people and a crew's lead, with one password, and the crew's code."""

    dispatcher: str = "linxiao"
    hotline: str = "mali"
    administrator: str = "admin"
    lead: str = "zhaoqiang"
    crew: str = "R3"


def tell(origin: str, password: str, cast: Cast | None = None) -> Iterator[Step]:
    """Tell the whole story against `origin`, a step at a time; one that breaks cancels what work it opened.

    Raises:
        Broken: a step went otherwise.
        Refused: the product said no where it should not.
    """
    cast = cast or Cast()
    opened: list[str] = []
    try:
        yield from _told(origin, password, cast, opened)
    except (Broken, Refused):
        desk = Desk(origin, cast.dispatcher, password)
        for job_id in opened:
            if desk.get(f"/api/v1/jobs/{job_id}")["state"] in {"new", "assigned", *WORK}:
                desk.post(f"/api/v1/jobs/{job_id}/transitions", {"to": "cancelled", "reason": "story broke"})
        raise


def _told(origin: str, password: str, cast: Cast, opened: list[str]) -> Iterator[Step]:
    hotline, desk = Desk(origin, cast.hotline, password), Desk(origin, cast.dispatcher, password)
    yield Step("hotline and dispatcher sign in", f"{hotline.me['name']}, {desk.me['name']}")
    homes = _homes_near(desk, _free_crew(desk, cast.crew)["location"]["coordinates"])
    yield from _calls_come_in(hotline, homes, opened)
    other = yield from _crew_is_sent(desk, hotline, cast, homes[2], opened)
    yield from _crew_works(Desk(origin, cast.administrator, password), desk, cast, password, opened[0])
    desk.post(f"/api/v1/jobs/{other['job_id']}/transitions", {"to": "cancelled", "reason": "story"})
    yield Step("the story's second job is cancelled", other["number"])


def _calls_come_in(hotline: Desk, homes: list[dict[str, Any]], opened: list[str]) -> Iterator[Step]:
    first = hotline.post("/api/v1/calls", _call(homes[0], join="new"))
    opened.append(first["job_id"])
    yield Step("a call opens an outage and its job", f"{first['number']}, {homes[0]['address']}")
    second = hotline.post("/api/v1/calls", _call(homes[1], join="auto"))
    must(second["outage_id"] == first["outage_id"] and second["joined"], "the neighbour's call opened a second outage")
    yield Step("the neighbour's call joins it", second["number"])


def _crew_is_sent(
    desk: Desk, hotline: Desk, cast: Cast, elsewhere: dict[str, Any], opened: list[str]
) -> Generator[Step, None, dict[str, Any]]:
    """Send the crew to the first opened job and try to send it to a second; returns the second's call."""
    candidates = desk.get(f"/api/v1/jobs/{opened[0]}/candidates")["items"]
    chosen: dict[str, Any] = next(item for item in candidates if item["code"] == cast.crew)
    must(chosen["ok"], f"crew {cast.crew} cannot go: {chosen['reasons']}")
    yield Step("crews are ranked with reasons", f"{len(candidates)} crews, {cast.crew} at {chosen['distance_m']:.0f} m")
    desk.post(f"/api/v1/jobs/{opened[0]}/assignments", {"crew_id": chosen["crew_id"]})
    other: dict[str, Any] = hotline.post("/api/v1/calls", _call(elsewhere, join="new"))
    opened.append(other["job_id"])
    _must_refuse(lambda: desk.post(f"/api/v1/jobs/{other['job_id']}/assignments", {"crew_id": chosen["crew_id"]}))
    yield Step("the crew is sent, and cannot be sent twice", cast.crew)
    return other


def _crew_works(administrator: Desk, desk: Desk, cast: Cast, password: str, job_id: str) -> Iterator[Step]:
    code = administrator.post("/api/v1/devices/enrolment-codes", {"name": "story"})["code"]
    tablet = Tablet.enrol(desk.origin, login=cast.lead, password=password, code=code)
    tablet.pull()
    must(("job", job_id) in tablet.docs, "the job is not on the tablet")
    yield Step("the tablet enrols and holds the job", f"{len(tablet.docs)} records")

    hashes = _work_offline(tablet, job_id)
    yield Step("the repair is recorded without a link", f"{len(tablet.ops)} changes, {len(hashes)} files")

    results = tablet.push()
    wrong = [result for result in results if result["status"] not in {"applied", "noop"}]
    must(not wrong, f"not applied: {wrong}")
    must(tablet.push() == results, "a repeated push was answered otherwise")
    yield Step("the link returns: every change lands, once", f"{len(results)} results, the repeat gave the same")

    _upload_all(tablet, hashes)
    yield Step("the files arrive, one after a cut in the middle", ", ".join(sha[:8] for sha in hashes))
    yield from _seen_by_the_dispatcher(desk, job_id, hashes)


def must(holds: bool, otherwise: str) -> None:
    """Stop the story where it goes wrong."""
    if not holds:
        raise Broken(otherwise)


def _must_refuse(attempt: Callable[[], Any]) -> None:
    try:
        attempt()
    except Refused as refused:
        must(refused.code == "crew-busy", f"refused as {refused.code}")
    else:
        raise Broken("a busy crew was sent again")


def _free_crew(desk: Desk, code: str) -> dict[str, Any]:
    """The crew, freed from whatever an earlier story left it with."""
    crew: dict[str, Any] = next(
        item for item in desk.get("/api/v1/crews", limit="200")["items"] if item["code"] == code
    )
    if crew.get("live_job"):
        job = crew["live_job"]
        desk.post(f"/api/v1/jobs/{job['id']}/transitions", {"to": "withdrawn", "reason": "story"})
    return crew


def _homes_near(desk: Desk, position: list[float]) -> list[dict[str, Any]]:
    near = f"{position[0]},{position[1]}"
    homes: list[dict[str, Any]] = desk.get("/api/v1/premises", near=near, radius_m="1500")["items"]
    must(len(homes) >= 3, "no homes near the crew")
    return [homes[0], homes[1], homes[-1]]


def _call(home: dict[str, Any], *, join: str) -> dict[str, Any]:
    return {"channel": "phone", "premises_id": home["id"], "symptom": "no_supply", "caller_name": "故事", "join": join}


def _work_offline(tablet: Tablet, job_id: str) -> list[str]:
    """Fill the checklist, take the required photos, let the customer sign, and walk through the states."""
    job = tablet.docs["job", job_id]
    record_id, _ = tablet.one("form_record", job_id=job_id)
    form = tablet.one("form", code=job["form_code"], version=job["form_version"])[1]["document"]
    for state in WORK:
        tablet.record("job", job_id, {"state": state})
    for item in form["required"]:
        answer = _an_answer(form["schema"]["properties"][item])
        tablet.record("form_record", record_id, {f"answers.{item}": answer})
    slots = [("photo", slot) for slot in form["photo_slots"]] + [
        ("signature", slot) for slot in form["signature_slots"]
    ]
    hashes = [
        tablet.attach(
            job_id,
            kind=kind,
            slot=slot["slot"],
            content=_drawing(f"{slot['slot']} {job['number']}", "JPEG" if kind == "photo" else "PNG"),
            mime="image/jpeg" if kind == "photo" else "image/png",
            **({"signer_name": "故事"} if kind == "signature" else {}),
        )
        for kind, slot in slots
        if slot["required"]
    ]
    tablet.record("job", job_id, {"state": "restored"})
    tablet.record("job", job_id, {"state": "completed"})
    return hashes


def _an_answer(schema: dict[str, Any]) -> Any:
    """Some valid answer to a checklist item."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    return {"boolean": True, "integer": 1, "number": schema.get("minimum", 1), "string": "故事"}[schema["type"]]


def _drawing(words: str, image_format: str) -> bytes:
    """A small picture that nobody else has drawn."""
    picture = Image.effect_noise((640, 480), 60).convert("RGB")
    ImageDraw.Draw(picture).text((20, 20), f"synthetic {words} {new_id()}", fill=(200, 0, 0))
    bytes_ = io.BytesIO()
    picture.save(bytes_, image_format)
    return bytes_.getvalue()


def _upload_all(tablet: Tablet, hashes: list[str]) -> None:
    reached = tablet.upload(hashes[0], stop_after=1_000)
    must(0 < reached < len(tablet.files[hashes[0]][0]), "the upload could not be cut in the middle")
    must(tablet.blob_state(hashes[0]) == "partial", "a cut upload does not count as partial")
    for sha256 in hashes:
        tablet.upload(sha256)
        must(tablet.blob_state(sha256) == "verified", f"{sha256[:8]} is not verified")


def _seen_by_the_dispatcher(desk: Desk, job_id: str, hashes: list[str]) -> Iterator[Step]:
    job = desk.get(f"/api/v1/jobs/{job_id}")
    must(job["state"] == "completed", f"the dispatcher sees {job['state']}")
    attachments = desk.get(f"/api/v1/jobs/{job_id}/attachments")["items"]
    must(sorted(item["sha256"] for item in attachments) == sorted(hashes), "files are missing or doubled")
    for item in attachments:
        content = desk.raw(f"/api/v1/attachments/{item['id']}/content")
        must(hashlib.sha256(content).hexdigest() == item["sha256"], "a file's bytes differ")
    yield Step("the dispatcher sees it whole: state, photos, signature", f"{len(attachments)} files, hashes equal")
    outage = _eventually(
        lambda: desk.get(f"/api/v1/outages/{job['outage_id']}"), lambda found: found["state"] != "open"
    )
    yield Step("the outage follows its job", str(outage["state"]))


def _eventually(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """Background work may take a moment; look until it is done."""
    end = time.monotonic() + PATIENCE_S
    while not holds(found := look()):
        must(time.monotonic() < end, f"still {found.get('state')} after {PATIENCE_S:.0f} s")
        time.sleep(0.2)
    return found
