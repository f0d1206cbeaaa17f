"""Makes fixtures/segments from WNTR's example networks. Run once, by hand.

    python -m venv /tmp/v && /tmp/v/bin/pip install wntr==1.5.0 six
    /tmp/v/bin/python tests/grid/export_segments.py

Networks: `Net3` and `Net6` of WNTR's library (revised BSD licence; Net3 is EPANET's example, in the public domain).
Valves: `wntr.network.generate_valve_layer`, placed at random with a fixed seed; segments:
`wntr.metrics.topographic.valve_segments`, K. A. Klise et al., "A software framework for assessing the resilience of
drinking water systems to disasters", Environmental Modelling & Software 95 (2017) 420-431.
"""

from __future__ import annotations

import csv
import importlib.resources
from pathlib import Path

import wntr

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "segments"
VALVES = {"Net3": 60, "Net6": 1536}
SEED = 2026


def export(name: str, valves: int) -> None:
    """A row a link: its ends by number, whether a valve stands at either, the segments of the link and its ends."""
    file = importlib.resources.files("wntr") / "library" / "networks" / f"{name}.inp"
    network = wntr.network.WaterNetworkModel(str(file))
    layer = wntr.network.generate_valve_layer(network, "random", valves, seed=SEED)
    of_node, of_link, _ = wntr.metrics.topographic.valve_segments(network.to_graph(), layer)
    number = {node: place for place, node in enumerate(network.node_name_list)}
    valved = {(row.link, row.node) for row in layer.itertuples()}
    with (OUT / f"{name.lower()}.csv").open("w", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["start", "end", "start_valve", "end_valve", "start_segment", "segment", "end_segment"])
        for link, held in network.links():
            start, end = held.start_node_name, held.end_node_name
            at = [int((link, node) in valved) for node in (start, end)]
            rows.writerow([number[start], number[end], *at, of_node[start], of_link[link], of_node[end]])


if __name__ == "__main__":
    for network, count in VALVES.items():
        export(network, count)
