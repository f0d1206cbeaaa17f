"""Replicas that did not add up, pure: noted when found, told to the server, ended when they heal (SPEC.md L16).

The TypeScript half does the same; `conformance/incidents.json` holds both to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from mobile_sync.protocol import Incident

MOST_KEPT = 50
_LONGEST_KEY = 200
_CHECKSUM = re.compile(r"[0-9a-f]{16}")
MEMBERS = ("bucket", "found_at", "expected_rows", "expected_checksum", "rows", "checksum", "healed_at")

Noted = Mapping[str, Any]
"""An incident as a client keeps it: the members of the wire, and `told`: whether the server has it as it stands."""


def noted(
    known: Sequence[Noted],
    server_at: str,
    own: Collection[str],
    wrong: Mapping[str, Mapping[str, Any]],
    unsure: Collection[str] = (),
) -> list[Noted]:
    """After a pull that ended at `server_at`: what is newly wrong, and what is so no more.

    `own`: the buckets the device has; `wrong`: by bucket what was expected and found; `unsure`: could not be checked.
    """
    after = [
        one if _stays(one, own, wrong, unsure) else {**one, "healed_at": server_at, "told": False} for one in known
    ]
    lasting = {one["bucket"] for one in after if one["healed_at"] is None}
    new = [
        {"bucket": bucket, "found_at": server_at, **wrong[bucket], "healed_at": None, "told": False}
        for bucket in sorted(wrong.keys() - lasting)
    ]
    return [*after, *new]


def _stays(one: Noted, own: Collection[str], wrong: Mapping[str, Any], unsure: Collection[str]) -> bool:
    """It goes on, or is over already."""
    bucket = one["bucket"]
    return one["healed_at"] is not None or (bucket in own and (bucket in wrong or bucket in unsure))


def to_tell(known: Sequence[Noted]) -> list[dict[str, Any]]:
    """What the server does not have, oldest first, as the wire has it."""
    return [{name: one[name] for name in MEMBERS} for one in known if not one["told"]][:MOST_KEPT]


def told(known: Sequence[Noted], sent: Sequence[Noted]) -> list[Noted]:
    """After the answer to a pull that told `sent`; the last of those that are over are kept to be looked at."""
    after = [{**one, "told": True} if any(_same(one, other) for other in sent) else one for one in known]
    too_many = len(after) - MOST_KEPT
    over = [at for at, one in enumerate(after) if one["told"] and one["healed_at"] is not None][: max(0, too_many)]
    return [one for at, one in enumerate(after) if at not in over]


def _same(one: Noted, sent: Noted) -> bool:
    return all(one[name] == sent[name] for name in ("bucket", "found_at", "healed_at"))


def read_incidents(
    value: Any, read_integer: Callable[[Any], int], read_time: Callable[[Any], datetime]
) -> tuple[Incident, ...]:
    """What a device tells in a pull.

    Raises:
        ValueError: a reason code; one that does not fit refuses the request.
    """
    if not isinstance(value, list) or len(value) > MOST_KEPT:
        raise ValueError("not_list")
    if not all(isinstance(told, dict) and told.keys() == set(MEMBERS) for told in value):
        raise ValueError("not_incident")
    return tuple(
        Incident(
            _key(told["bucket"]),
            read_time(told["found_at"]),
            read_integer(told["expected_rows"]),
            _checksum(told["expected_checksum"]),
            read_integer(told["rows"]),
            _checksum(told["checksum"]),
            None if told["healed_at"] is None else read_time(told["healed_at"]),
        )
        for told in value
    )


def _key(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_KEY or not value.isprintable():
        raise ValueError("not_bucket")
    return value


def _checksum(value: Any) -> str:
    if not isinstance(value, str) or not _CHECKSUM.fullmatch(value):
        raise ValueError("not_checksum")
    return value
