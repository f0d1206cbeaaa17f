"""A plain picture of a district for the eye: `python -m app.district.picture demo 20260716 var/demo.png`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image, ImageDraw
from shapely.geometry.base import BaseGeometry

from app.district.grid import Grid
from app.district.ground import make_ground
from app.district.sizes import SIZES
from app.district.streets import WEIGHT
from app.district.town import Town

PAPER, EDGE = "#f4f1e8", "#999988"
PLACE = {
    "hills": "#cfdcbc",
    "estate": "#eadfc8",
    "village": "#e5cfae",
    "industrial_park": "#d9d4e3",
    "water": "#bcd8e8",
}
STREET = {
    "trunk": ("#d9822b", 6),
    "primary": ("#e0a13c", 4),
    "secondary": ("#d8c27a", 3),
    "residential": ("#c9c2b4", 2),
    "lane": ("#cbc4b6", 1),
}
FEEDERS = ("#c0392b", "#8e44ad", "#2980b9", "#16a085", "#7f8c8d", "#1f618d", "#af7ac5", "#117864")
GAS = {"medium": "#00a000", "low": "#70d070"}
DOTS = {
    "substation": ("#000000", 9),
    "transformer": ("#cc0000", 3),
    "gate_station": ("#006000", 8),
    "regulator": ("#006000", 5),
}
MARGIN_M = 300.0


class Sheet:
    """A rectangle of ground drawn in pixels, north up."""

    def __init__(self, bounds: tuple[float, float, float, float], width: int) -> None:
        self.west, south, east, self.north = bounds
        self.scale = width / (east - self.west)
        self.image = Image.new("RGB", (width, int((self.north - south) * self.scale)), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def _pixels(self, coords: Iterable[Any]) -> list[tuple[float, float]]:
        return [((x - self.west) * self.scale, (self.north - y) * self.scale) for x, y, *_ in coords]

    def fill(self, shape: BaseGeometry, colour: str, outline: str | None = None) -> None:
        """A polygon, or many."""
        for part in getattr(shape, "geoms", [shape]):
            self.pen.polygon(self._pixels(part.exterior.coords), fill=colour, outline=outline)

    def line(self, shape: BaseGeometry, colour: str, width: int) -> None:
        """A polyline, or many."""
        for part in getattr(shape, "geoms", [shape]):
            self.pen.line(self._pixels(part.coords), fill=colour, width=width, joint="curve")

    def dot(self, at: Any, colour: str, radius: float) -> None:
        """A point."""
        ((x, y),) = self._pixels([(at.x, at.y)])
        self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def draw(size: str, seed: int, width: int = 1800) -> Image.Image:
    """The district of this size and seed: ground, places, streets, both networks."""
    town, _, _, power, gas = make_ground(Random(f"{seed}/{size}/ground"), SIZES[size])
    west, south, east, north = town.boundary.bounds
    sheet = Sheet((west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M), width)
    _draw_town(sheet, town)
    _draw_grid(sheet, power.grid)
    _draw_grid(sheet, gas.grid)
    return sheet.image


def _draw_town(sheet: Sheet, town: Town) -> None:
    sheet.fill(town.boundary, PAPER, EDGE)
    for kind, colour in PLACE.items():
        for place in town.places:
            if place.kind == kind:
                sheet.fill(place.outline, colour)
    for edge in sorted(town.streets.edges, key=lambda edge: -WEIGHT[edge.street_class]):
        sheet.line(edge.line, *STREET[edge.street_class])


def _draw_grid(sheet: Sheet, grid: Grid) -> None:
    for link in grid.links:
        colour = (
            FEEDERS[int(link.feeder[1:]) % len(FEEDERS)]
            if link.feeder
            else GAS.get(link.attrs.get("pressure", ""), "black")
        )
        sheet.line(link.line, colour, 8 if link.is_open else 1 if link.kind in ("lv_line", "service_pipe") else 2)
    for node in grid.nodes:
        if node.kind in DOTS:
            sheet.dot(node.at, *DOTS[node.kind])


if __name__ == "__main__":
    draw(sys.argv[1], int(sys.argv[2])).save(Path(sys.argv[3]))
