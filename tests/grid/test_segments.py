"""Sections between valves are those that WNTR finds in its own example networks (fixtures/segments)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from app.grid.rules.isolation import section_around
from app.grid.rules.wiring import Wiring
from tests.grid.nets import net

SEGMENTS = Path(__file__).resolve().parents[2] / "fixtures" / "segments"


def given(name: str) -> tuple[Wiring, list[int]]:
    """A network of WNTR's with its segment of every node.

    There a valve stands at one end of a pipe, and the pipe has a segment of its own: here each pipe gets a node in its
    middle, and a half is a device where a valve stands at that end.
    """
    with (SEGMENTS / f"{name}.csv").open() as file:
        rows = [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]
    count = 1 + max(end for row in rows for end in (row["start"], row["end"]))
    links, segment = [], [0] * (count + len(rows))
    for middle, row in enumerate(rows, start=count):
        segment[middle] = row["segment"]
        for end in ("start", "end"):
            segment[row[end]] = row[f"{end}_segment"]
            links.append((row[end], middle, bool(row[f"{end}_valve"]), True, True))
    return net(len(segment), links, [0]), segment


@pytest.mark.parametrize(("name", "segments", "every"), [("net3", 39, 1), ("net6", 1_086, 8)])
def test_what_valves_cut_out_is_a_segment_of_wntr(name: str, segments: int, every: int) -> None:
    """Each of Net3, each eighth of Net6; all of them were compared once, when the file was made."""
    wiring, expected = given(name)
    of, numbers = np.array(expected), sorted(set(expected))
    assert len(numbers) == segments
    for number in numbers[::every]:
        theirs = of == number
        found = section_around(wiring, [int(np.flatnonzero(theirs)[0])])
        assert (found.nodes == theirs).all(), number
        valves = wiring.device & (theirs[wiring.start] != theirs[wiring.end])
        assert set(found.border) == set(np.flatnonzero(valves)), number
