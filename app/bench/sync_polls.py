"""A fleet that asks and asks: what it costs when nothing has changed, and how soon something is heard of."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.bench.figures import Figure, at_most, percentile
from app.bench.fleet import Tablet
from app.bench.sync_clients import Line, new_records, next_pull
from app.bench.sync_stage import Stage

DEVICES, EACH, AT_ONCE, CHANGES = 1_000, 200, 8, 40
POLL_CPU_MS, HEARD_MS, EVERY_S = 2.0, 250.0, 0.1


def measure(stage: Stage) -> Iterator[Figure]:
    """Each device has 200 records in scope."""
    tablets = stage.enrol(DEVICES)
    stage.seed([tablet.crew_id for tablet in tablets], EACH)
    asked = [(tablet, next_pull(page)) for tablet, page in _settled(stage, tablets)]
    with stage.counted() as spent:
        took = _poll(stage, asked)
    p95 = f"{DEVICES} devices, {EACH} records each; p95 {percentile(took, 0.95) * 1000:.0f} ms, {AT_ONCE} at once"
    yield at_most("sync.poll.cpu", spent.cpu_ms_each(DEVICES), "ms", POLL_CPU_MS, p95)
    heard = _heard(stage)
    told = f"p95 of {CHANGES}, a device that asks every {EVERY_S * 1000:.0f} ms"
    yield at_most("sync.change.p95", percentile(heard, 0.95) * 1000, "ms", HEARD_MS, told)


def _settled(stage: Stage, tablets: Sequence[Tablet]) -> list[tuple[Tablet, dict[str, Any]]]:
    """Each tablet with the page of one that holds everything."""
    line, settled = Line(stage.port, tablets[0]), []
    for tablet in tablets:
        line.speak_for(tablet)
        page = json.loads(line.pull(limit=1)[1])
        for state in page["buckets"]:
            if state["key"].startswith("crew:"):
                state["seq"] = EACH
        settled.append((tablet, json.loads(line.pull(page)[1])))
    return settled


def _poll(stage: Stage, asked: Sequence[tuple[Tablet, bytes]]) -> list[float]:
    """One poll of each device; seconds of each."""

    def some(part: Sequence[tuple[Tablet, bytes]]) -> list[float]:
        line, took = Line(stage.port, part[0][0]), []
        for tablet, body in part:
            line.speak_for(tablet)
            began = time.perf_counter()
            page = json.loads(line.post("pull", body)[1])
            took.append(time.perf_counter() - began)
            if page["changes"] or page["buckets"][0]["more"]:
                raise RuntimeError("an idle device was told of a change")
        return took

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [seconds for took in pool.map(some, [asked[at::AT_ONCE] for at in range(AT_ONCE)]) for seconds in took]


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
