"""What somebody looks for when they type into the search box. No database, no clock."""

from __future__ import annotations

import re
from enum import StrEnum

SHORTEST = 2  # one character of Chinese matches a tenth of a town
NEEDS_NEAR_A_POINT_M = 2_000.0  # widest radius that is still "near"


class Sought(StrEnum):
    """How a search text is read."""

    NUMBER = "number"  # an account number from its start, or the end of a phone number
    INITIALS = "initials"  # pinyin initials of an address or a name: lhhy for 龙衡花园
    WORDS = "words"  # part of an address, start of a name


def sought(q: str) -> Sought:
    """Digits mean numbers, plain letters mean initials, all else means words."""
    if re.fullmatch(r"[0-9 -]+", q):
        return Sought.NUMBER
    if re.fullmatch(r"[A-Za-z]+[0-9]*", q):
        return Sought.INITIALS
    return Sought.WORDS


def digits(q: str) -> str:
    """Only the digits of a number as people write it."""
    return re.sub(r"[^0-9]", "", q)
