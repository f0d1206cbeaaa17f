"""Logs: one JSON object a line, made of constant sentences, ids and figures. Nothing personal gets through.

A line carries what is on the list below, numbers and ids; any other text is withheld, exceptions lose their words
(a constraint's message quotes the row) and keep their types and frames. LOG_LEVEL=DEBUG, for a developer's own
machine, lets the words of exceptions through.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

from flask import g, has_request_context
from pythonjsonlogger.json import JsonFormatter

SAFE_TEXT = frozenset(
    {"action", "constraint", "error", "event", "method", "queue", "request_id", "route", "state", "task", "worker"}
)
SAFE_WORD = re.compile(r"[A-Za-z0-9_.:/<>-]{1,120}\Z")
OWN_LOGGERS = ("app", "mobile_sync")
WITHHELD = "(withheld)"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class SafeJson(JsonFormatter):
    """JSON lines with an allow-list."""

    def __init__(self, *, words_of_exceptions: bool = False) -> None:
        super().__init__("%(message)s")
        self.words_of_exceptions = words_of_exceptions

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Time, level and logger first; then what was given and is safe."""
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        super().add_fields(log_data, record, message_dict)
        if not record.name.startswith(OWN_LOGGERS):
            log_data["message"] = str(record.msg)  # without its arguments
        for name in set(log_data) - {"time", "level", "logger", "message", "exc_info", "stack_info"}:
            log_data[name] = safe(name, log_data[name])

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802  # logging's name
        """Types and frames of the whole chain; words only where asked for."""
        if self.words_of_exceptions:
            return "".join(traceback.format_exception(ei[1]))
        return "\n".join(frames_of(ei[1]))


def safe(name: str, value: Any) -> Any:
    """The value if it cannot be personal: a number, an id, or a word of ours under a name on the list."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, UUID) or (name.endswith("_id") and SAFE_WORD.match(str(value))):
        return str(value)
    return str(value) if name in SAFE_TEXT and SAFE_WORD.match(str(value)) else WITHHELD


def frames_of(error: BaseException | None) -> list[str]:
    """`Type`, then `file:line function` from the outermost frame in, for the error and what caused it."""
    lines: list[str] = []
    while error is not None:
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
        lines += [
            f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines


def add_request(record: logging.LogRecord) -> bool:
    """Put the request's number and the person's id on every line written during a request."""
    if has_request_context():
        record.__dict__.setdefault("request_id", getattr(g, "request_id", None))
        record.__dict__.setdefault("person_id", getattr(g, "person_id", None))
    return True


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at the moment of writing."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """Standard error, now."""
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        raise AttributeError("standard error is not ours to change")


def configure_logging(level: str) -> None:
    """JSON lines on standard error for the whole process; a second call changes the level only.

    Libraries speak from WARNING up: what they say below that may quote what passes through them.
    """
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if isinstance(handler, StandardError)]
    handler = ours[0] if ours else StandardError()
    handler.setFormatter(SafeJson(words_of_exceptions=level.upper() == "DEBUG"))
    if not ours:
        handler.addFilter(add_request)
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for own in OWN_LOGGERS:
        logging.getLogger(own).setLevel(level.upper())
