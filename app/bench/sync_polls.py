"""A fleet that asks and asks: what it costs when nothing has changed, and how soon something is heard of."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from app.bench.figures import Figure, at_most, percentile
from app.bench.fleet import Tablet
from app.bench.sync_clients import Line, new_records, next_pull
from app.bench.sync_stage import Stage

DEVICES, EACH, AT_ONCE, CHANGES = 1_000, 200, 8, 40
POLL_CPU_MS, HEARD_MS, EVERY_S = 2.0, 250.0, 0.1
Asked = TypeVar("Asked")
Told = TypeVar("Told")


def measure(stage: Stage) -> Iterator[Figure]:
    """Each device has 200 records in scope. That it was here is written down once a minute, which is told apart."""
    tablets = stage.enrol(DEVICES)
    stage.seed([tablet.crew_id for tablet in tablets], EACH)
    asked = _settled(stage, tablets)
    with stage.counted() as noted:
        _poll(stage, asked)
    with stage.counted() as spent:
        took = _poll(stage, asked)
    told = (
        f"{DEVICES} devices, {EACH} records each; p95 {percentile(took, 0.95) * 1000:.0f} ms, {AT_ONCE} at once; "
        f"{noted.cpu_ms_each(DEVICES):.2f} ms where it is written down that it was here"
    )
    yield at_most("sync.poll.cpu", spent.cpu_ms_each(DEVICES), "ms", POLL_CPU_MS, told)
    heard = _heard(stage)
    told = f"p95 of {CHANGES}, a device that asks every {EVERY_S * 1000:.0f} ms"
    yield at_most("sync.change.p95", percentile(heard, 0.95) * 1000, "ms", HEARD_MS, told)


def _settled(stage: Stage, tablets: Sequence[Tablet]) -> list[tuple[Tablet, bytes]]:
    """Each tablet with what it asks that holds everything."""
    line = Line(stage.port, tablets[0])
    epoch = json.loads(line.pull(limit=1)[1])["epoch"]
    line.close()

    def settle(line: Line, tablet: Tablet) -> tuple[Tablet, bytes]:
        held = {"epoch": epoch, "buckets": [{"key": f"crew:{tablet.crew_id}", "seq": EACH}]}
        page = json.loads(line.pull(held)[1])
        if page["changes"]:
            raise RuntimeError("a device that holds everything was sent something")
        return tablet, next_pull(page)

    return _each(stage, [(tablet, tablet) for tablet in tablets], settle)


def _poll(stage: Stage, asked: Sequence[tuple[Tablet, bytes]]) -> list[float]:
    """One poll of each device; seconds of each."""

    def poll(line: Line, body: bytes) -> float:
        began = time.perf_counter()
        page = json.loads(line.post("pull", body)[1])
        took = time.perf_counter() - began
        if page["changes"] or page["buckets"][0]["more"]:
            raise RuntimeError("an idle device was told of a change")
        return took

    return _each(stage, asked, poll)


def _each(stage: Stage, asked: Sequence[tuple[Tablet, Asked]], ask: Callable[[Line, Asked], Told]) -> list[Told]:
    """What every tablet was told, some at once, each line for one after the other."""

    def some(part: Sequence[tuple[Tablet, Asked]]) -> list[Told]:
        line, told = Line(stage.port, part[0][0]), []
        for tablet, what in part:
            line.speak_for(tablet)
            told.append(ask(line, what))
        line.close()
        return told

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [one for told in pool.map(some, [asked[at::AT_ONCE] for at in range(AT_ONCE)]) for one in told]


def _heard(stage: Stage) -> list[float]:
    """Seconds from the end of a push by one tablet to the page in another's hands."""
    (writer,) = stage.enrol(1)
    (reader,) = stage.enrol(1, crew_id=writer.crew_id)
    writing, reading = Line(stage.port, writer), Line(stage.port, reader)
    page = json.loads(reading.pull()[1])
    _, written = new_records(CHANGES, seed=6, size=1)
    took = []
    with ThreadPoolExecutor(1) as pool:
        for body in written:
            waiting = pool.submit(_until_change, reading, page)
            time.sleep(EVERY_S / 3)
            writing.push(body)
            began = time.perf_counter()
            page, at = waiting.result()
            took.append(at - began)
    return took


def _until_change(line: Line, page: dict[str, Any]) -> tuple[dict[str, Any], float]:
    while True:
        found = json.loads(line.pull(page)[1])
        if found["changes"]:
            return found, time.perf_counter()
        time.sleep(EVERY_S)
