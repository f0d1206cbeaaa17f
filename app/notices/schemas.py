"""Shapes of notices on the wire."""

from __future__ import annotations

import marshmallow as ma

from app.customers.models import NoticeChannel
from app.kernel.fields import choice
from app.kernel.paging import PageArgs
from app.notices.models import NoticeState, Stage


class NoticesArgs(PageArgs):
    """Those that stand so, or all."""

    state = choice(NoticeState)


class NoticeOut(ma.Schema):
    """What is or was said to a customer. `last_error`: why the last try failed. Restricted."""

    id = ma.fields.UUID(required=True)
    stage = choice(Stage, required=True)
    channel = choice(NoticeChannel, required=True)
    locale = ma.fields.String(required=True)
    state = choice(NoticeState, required=True)
    name = ma.fields.String(required=True)
    address = ma.fields.String(required=True)
    words = ma.fields.String(allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)
    due_at = ma.fields.AwareDateTime(required=True)
    tries = ma.fields.Integer(required=True)
    sent_at = ma.fields.AwareDateTime(allow_none=True)
    last_error = ma.fields.String(allow_none=True)


class NoticePage(ma.Schema):
    """An outage's notices, newest first."""

    items = ma.fields.List(ma.fields.Nested(NoticeOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class NoticeCount(ma.Schema):
    """How many notices of a stage stand so."""

    stage = choice(Stage, required=True)
    state = choice(NoticeState, required=True)
    n = ma.fields.Integer(required=True)


class NoticeWords(ma.Schema):
    """What is said at a stage, by language, as things are now."""

    stage = choice(Stage, required=True)
    words = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)


class NoticesOut(ma.Schema):
    """What was and will be said of an outage. `without_channel`: customers who asked for no notices."""

    counts = ma.fields.List(ma.fields.Nested(NoticeCount), required=True)
    without_channel = ma.fields.Integer(required=True)
    preview = ma.fields.List(ma.fields.Nested(NoticeWords), required=True)
