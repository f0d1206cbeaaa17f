"""What tablets send, read with the same schemas as everywhere, and their clocks set right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import marshmallow as ma

from app.kernel.problems import FieldError, Invalid
from app.kernel.unit_of_work import UnitOfWork
from mobile_sync.adapters.sql import tracker_of


def read(schema: ma.Schema, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the schema loads them.

    Raises:
        Invalid: with the names of the fields that do not fit.
    """
    try:
        loaded: dict[str, Any] = schema.load(dict(fields))
    except ma.ValidationError as error:
        messages = error.messages_dict
        raise Invalid(*(FieldError(str(name), _reason(messages[name])) for name in messages)) from error
    return loaded


def _reason(messages: Any) -> str:
    words = str(messages)
    if "Missing data" in words or "may not be null" in words:
        return "required"
    return "unknown_field" if "Unknown field" in words else "invalid"


def corrected(uow: UnitOfWork, device_at: datetime) -> datetime:
    """Device time on the server's clock: the push said how far the device's clock is off (SPEC P13)."""
    error_ms = tracker_of(uow.session).author.clock_error_ms or 0
    try:
        return device_at - timedelta(milliseconds=error_ms)
    except OverflowError:
        return uow.now
