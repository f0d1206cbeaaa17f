"""Tables for spreadsheets, made and sent in pieces."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

PIECE_CHARACTERS = 64 * 1024  # of a table, made and sent at once


def table_csv(headings: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """RFC 4180 in UTF-8 with a byte order mark, which spreadsheets need to read Chinese; some rows at a time."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(headings)
    yield b"\xef\xbb\xbf"
    for row in rows:
        table.writerow([_cell(row[name]) for name in headings])
        if text.tell() >= PIECE_CHARACTERS:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    piece = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return piece


def _cell(value: Any) -> str:
    """A cell that a spreadsheet will not take for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
