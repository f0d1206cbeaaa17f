"""An op as one text, by which it is known again, and what in it cannot be kept (SPEC.md P4, P10).

Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from mobile_sync.protocol import Received

Writer = Callable[[Mapping[str, Any]], str]
"""Writes an op as one text: the same for the same content, whatever order its members came in."""


def canonical(body: Mapping[str, Any]) -> str:
    """The `Writer` of the standard library: all in ASCII."""
    return _write_canonical(body)


_write_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


def digest_of(body: Mapping[str, Any]) -> bytes:
    """SHA-256 of the op's canonical JSON: the same number with another digest is another op (P4)."""
    return hashlib.sha256(canonical(body).encode()).digest()


def is_same(one: Received, digest: bytes) -> bool:
    """Whether `digest` is that of this op, whichever writer made the text it was taken of (P4)."""
    return digest == one.digest or digest == digest_of(json.loads(one.body))


def storable(value: Any) -> Any:
    """The value without what no database takes: NUL and half characters become U+FFFD, infinities their names."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


# NUL or half of a surrogate pair, as writers write them. A whole pair matches too and is then found to be storable.
_SUSPECT = re.compile(r"\\u(?:0000|d[89a-f])")
_ENDLESS = (("N", "NaN"), ("I", "Infinity"))


def unstorable(body: Mapping[str, Any], text: str, write: Writer) -> bool:
    """Whether the op, of which `text` was written, holds what no database takes."""
    # By their first characters: one character is found ten times sooner than two, and most texts hold none of them.
    suspect = ("\\" in text and _SUSPECT.search(text)) or any(one in text and word in text for one, word in _ENDLESS)
    return bool(suspect) and write(storable(body)) != text
