"""Names for places, streets and people, drawn from `fixtures/longheng/names.json`. All invented."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from pypinyin import Style, lazy_pinyin

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@cache
def words() -> dict[str, Any]:
    """The word lists."""
    stored: dict[str, Any] = json.loads((FIXTURES / "longheng" / "names.json").read_text(encoding="utf-8"))
    return stored


@cache
def pinyin(chinese: str) -> str:
    """`春晖` → `Chunhui`."""
    return "".join(lazy_pinyin(chinese)).capitalize()


def initials(chinese: str) -> str:
    """First letters in lower case, for searching by keyboard: `春晖花园3栋` → `chhy3d`."""
    return "".join(map(_initials, re.findall(r"[0-9]+|[^0-9]+", chinese)))


@cache
def _initials(part: str) -> str:
    """The initials of a part between numbers: parts come again and again, numbers do not."""
    return "".join(lazy_pinyin(part, style=Style.FIRST_LETTER)).lower()


def person_initials(name: str) -> str:
    """Character by character: `赵强` → `zq`."""
    return "".join(map(_initials, name))


@dataclass
class Namer:
    """Hands out names, each at most once where two alike would confuse."""

    rng: Random
    used: set[str] = field(default_factory=set)

    def _fresh(self, draw: list[list[str]]) -> str:
        for round_ in range(400):
            name = "".join(self.rng.choice(part) for part in draw)
            name += "" if round_ < 200 else "东西南北中新"[round_ % 6]
            if name not in self.used and len(set(name)) > 1:
                self.used.add(name)
                return name
        raise ValueError(f"no name left of {len(draw)} parts")

    def street(self, street_class: str) -> str:
        """A street's name with its suffix by class: 大道, 路, 街."""
        suffix = words()["street_suffix"][street_class]
        return self._fresh([words()["street_first"], words()["street_last"], [suffix]])

    def community(self) -> str:
        """A community (社区)."""
        return self._fresh([words()["community_first"], words()["community_last"], ["社区"]])

    def estate(self, *, premium: bool) -> str:
        """An estate (小区); premium ones sound it. When two-part names run out, phases follow."""
        last = words()["premium_last" if premium else "estate_last"]
        parts = [words()["estate_first"], last]
        full = sum(name.endswith(tuple(last)) for name in self.used) > 0.6 * len(parts[0]) * len(last)
        return self._fresh([*parts, ["一期", "二期", "三期", "四期"]] if full else parts)

    def person(self) -> str:
        """A person; may recur, as people's names do."""
        given = "".join(self.rng.choice(words()["given"]) for _ in range(self.rng.choice((1, 2, 2))))
        return str(self.rng.choice(words()["surnames"])) + given

    def firm(self) -> str:
        """A firm."""
        return self._fresh([words()["firm_first"], words()["firm_last"], ["有限公司", "厂", "制品厂"]])

    def phone(self) -> str:
        """A mobile number in the 199-0000 block, written as 11 digits: invented."""
        return f"1990{self.rng.randrange(10**7):07d}"


def person_en(name: str) -> str:
    """`赵强` → `Zhao Qiang`."""
    return f"{pinyin(name[0])} {pinyin(name[1:])}"


def street_en(name: str) -> str:
    """`春晖路` → `Chunhui Road`."""
    for chinese, english in words()["street_named"].values():
        if name == chinese:
            return str(english)
    for street_class, suffix in words()["street_suffix"].items():
        if name.endswith(suffix):
            return f"{pinyin(name[: -len(suffix)])} {words()['street_suffix_en'][street_class]}"
    return pinyin(name)
