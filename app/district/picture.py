"""A plain picture of a district for the eye: `python -m app.district.picture demo var/demo.png`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PIL import Image, ImageDraw
from shapely.geometry.base import BaseGeometry

PAPER, WATER, HILL = "#f4f1e8", "#bcd8e8", "#cfdcbc"
PLACE = {"estate": "#eadfc8", "village": "#e5cfae", "industrial_park": "#d9d4e3", "open": "#f4f1e8"}
STREET = {
    "trunk": ("#d9822b", 6), "primary": ("#e0a13c", 4), "secondary": ("#d8c27a", 3), "residential": ("#c9c2b4", 2),
    "lane": ("#cbc4b6", 1),
}  # fmt: skip


class Sheet:
    """A square of ground drawn in pixels, north up."""

    def __init__(self, bounds: tuple[float, float, float, float], width: int) -> None:
        self.west, south, east, self.north = bounds
        self.scale = width / (east - self.west)
        self.image = Image.new("RGB", (width, int((self.north - south) * self.scale)), PAPER)
        self.draw = ImageDraw.Draw(self.image)

    def _pixels(self, coords: Iterable[Any]) -> list[tuple[float, float]]:
        return [((x - self.west) * self.scale, (self.north - y) * self.scale) for x, y, *_ in coords]

    def fill(self, shape: BaseGeometry, colour: str, outline: str | None = None) -> None:
        """A polygon, or many."""
        for part in getattr(shape, "geoms", [shape]):
            self.draw.polygon(self._pixels(part.exterior.coords), fill=colour, outline=outline)

    def line(self, shape: BaseGeometry, colour: str, width: int) -> None:
        """A polyline, or many."""
        for part in getattr(shape, "geoms", [shape]):
            self.draw.line(self._pixels(part.coords), fill=colour, width=width, joint="curve")

    def dot(self, at: Any, colour: str, radius: float) -> None:
        """A point."""
        ((x, y),) = self._pixels([(at.x, at.y)])
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
