"""The layers by name: who may see each, what it is made of, what counts its versions."""

from __future__ import annotations

from dataclasses import dataclass

from app.kernel.actor import Permission
from app.map.ground import lines, place_labels, places, points, premises, streets
from app.map.moving import crews, jobs, outages
from app.map.sources import Source
from app.network.models import Commodity


@dataclass(frozen=True)
class Layer:
    """A layer: who may see it, what it is made of by source-layer, and which tables count its versions.

    `tables` empty: the layer is live, its tiles are never kept.
    """

    permission: Permission
    sources: dict[str, Source]
    tables: tuple[str, ...] = ()
    cap: int = 5_000


NETWORK_TABLES = ("network_link", "network_node")
LAYERS: dict[str, Layer] = {
    "places": Layer(Permission.READ_MAP, {"places": places, "place_labels": place_labels}, ("place",)),
    "streets": Layer(Permission.READ_MAP, {"streets": streets}, ("street_edge",), cap=20_000),
    "power": Layer(
        Permission.READ_MAP,
        {"power_lines": lines(Commodity.POWER), "power_points": points(Commodity.POWER)},
        NETWORK_TABLES,
        cap=10_000,
    ),
    "gas": Layer(
        Permission.READ_MAP,
        {"gas_lines": lines(Commodity.GAS), "gas_points": points(Commodity.GAS)},
        NETWORK_TABLES,
        cap=10_000,
    ),
    "premises": Layer(Permission.READ_MAP, {"premises": premises}, ("premises",)),
    "jobs": Layer(Permission.READ_ALL_JOBS, {"jobs": jobs}),
    "crews": Layer(Permission.READ_ALL_JOBS, {"crews": crews}),
    "outages": Layer(Permission.READ_ALL_JOBS, {"outages": outages}),
}
LIVE_LAYERS = tuple(name for name, layer in LAYERS.items() if not layer.tables)
