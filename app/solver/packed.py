"""A problem and a plan as bytes and JSON: kept with what was proposed, sent to the process that solves."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np

from app.solver.model import (
    Booked,
    Break,
    Certificate,
    Crew,
    Pin,
    Plan,
    Prices,
    Problem,
    Requirement,
    Route,
    Stop,
    Tier,
    Visit,
    Window,
)

FORMAT = 1
ENGINE = "vroom 1.15.2, loop 2"  # who makes plans: another one may make another plan of the same problem


def pack(problem: Problem) -> bytes:
    """The whole problem, compressed; equal problems give equal bytes."""
    said = {
        "format": FORMAT,
        "crews": [asdict(crew) for crew in problem.crews],
        "visits": [{**asdict(visit), "wish": sorted(visit.wish)} for visit in problem.visits],
        "parts": problem.parts,
        "prices": asdict(problem.prices),
        "fair_work": problem.fair_work,
        "places": len(problem.travel),
    }
    head = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    cells = np.ascontiguousarray(problem.travel, dtype="<i4").tobytes()
    return zlib.compress(len(head).to_bytes(8, "big") + head + cells, level=1)


def digest(packed: bytes) -> str:
    """What names these inputs: the SHA-256 of the packed problem."""
    return sha256(packed).hexdigest()


def unpack(packed: bytes) -> Problem:
    """The problem again.

    Raises:
        ValueError: packed by another version of this module.
    """
    raw = zlib.decompress(packed)
    end = 8 + int.from_bytes(raw[:8], "big")
    said = json.loads(raw[8:end])
    if said["format"] != FORMAT:
        raise ValueError(said["format"])
    cells = np.frombuffer(raw[end:], dtype="<i4").reshape(said["places"], said["places"]).astype(np.int32)
    return Problem(
        tuple(_crew(crew) for crew in said["crews"]),
        tuple(_visit(visit) for visit in said["visits"]),
        cells,
        tuple(said["parts"]),
        _prices(said["prices"]),
        said["fair_work"],
    )


def _prices(said: dict[str, Any]) -> Prices:
    prices: dict[str, Any] = {name: tuple(price) if isinstance(price, list) else price for name, price in said.items()}
    return Prices(**prices)


def _crew(said: dict[str, Any]) -> Crew:
    return Crew(
        said["id"],
        Window(*said["shift"]),
        said["start"],
        said["end"],
        tuple(Certificate(skill, grade, Window(*valid)) for skill, grade, valid in said["certificates"]),
        tuple(Break(Window(*window), lasts) for window, lasts in said["breaks"]),
        said["max_work"],
        tuple(said["stock"]),
    )


def _visit(said: dict[str, Any]) -> Visit:
    booked, second = said["booked"], said["second"]
    return Visit(
        said["id"],
        said["place"],
        said["service"],
        tuple(Requirement(*need) for need in said["requires"]),
        None if second is None else tuple(Requirement(*need) for need in second),
        tuple(Window(*window) for window in said["windows"]),
        said["due"],
        tuple(said["parts"]),
        Tier(said["tier"]),
        said["priority"],
        frozenset(said["wish"]),
        Pin(said["pin"]),
        None if booked is None else Booked(tuple(booked["crews"]), booked["start"]),
    )


def plan_json(plan: Plan) -> list[Any]:
    """A plan as lists: for each crew its stops as [visit, start] and its breaks."""
    return [[[list(stop) for stop in route.stops], list(route.breaks)] for route in plan.routes]


def plan_of(said: list[Any]) -> Plan:
    """The plan again."""
    return Plan(tuple(Route(tuple(Stop(*stop) for stop in stops), tuple(breaks)) for stops, breaks in said))
