"""Shapes of reliability on the wire."""

from __future__ import annotations

import marshmallow as ma

from app.kernel.fields import choice
from app.kernel.paging import StrictSchema
from app.network.models import Commodity
from app.reliability.report import By
from app.reliability.rules import Standard


class ReliabilityArgs(StrictSchema):
    """Of which branch and days, by the branch's clock; without days this year so far.

    `sustained_minutes`: 3 (DL/T 836) or 5 (IEEE 1366), without it as the installation is set.
    """

    branch_id = ma.fields.UUID(required=True)
    commodity = choice(Commodity, load_default=Commodity.POWER)
    first = ma.fields.Date(data_key="from")
    last = ma.fields.Date(data_key="to")
    by = choice(By, load_default=By.MONTH)
    standard = ma.fields.Enum(
        Standard,
        by_value=ma.fields.Integer,
        data_key="sustained_minutes",
    )


class IndicesOut(ma.Schema):
    """Minutes a customer (`saidi`) or interruption (`caidi`), interruptions a customer, a share of time (`asai`).

    Null where there is nothing to divide by.
    """

    saidi = ma.fields.Float(required=True, allow_none=True)
    saifi = ma.fields.Float(required=True, allow_none=True)
    caidi = ma.fields.Float(required=True, allow_none=True)
    asai = ma.fields.Float(required=True, allow_none=True)
    maifi = ma.fields.Float(required=True, allow_none=True)
    maifi_e = ma.fields.Float(required=True, allow_none=True)


class ReliabilityLine(ma.Schema):
    """The indices of some days, planned and fault apart and together, and of faults without major event days."""

    first = ma.fields.Date(required=True)
    last = ma.fields.Date(required=True)
    fault = ma.fields.Nested(IndicesOut, required=True)
    planned = ma.fields.Nested(IndicesOut, required=True)
    total = ma.fields.Nested(IndicesOut, required=True)
    fault_without_major = ma.fields.Nested(IndicesOut, required=True)
    major_days = ma.fields.Integer(required=True)


class ThresholdOut(ma.Schema):
    """Above `t_med` minutes of SAIDI a day is a major event day: e^(alpha + 2.5 beta) of so many days."""

    t_med = ma.fields.Float(required=True)
    alpha = ma.fields.Float(required=True)
    beta = ma.fields.Float(required=True)
    days = ma.fields.Integer(required=True)


class ReliabilityReport(ma.Schema):
    """A branch's reliability. `threshold` is null where the five years before hold too few days with interruptions."""

    customers = ma.fields.Integer(required=True)
    sustained_minutes = ma.fields.Integer(required=True, attribute="standard")
    threshold = ma.fields.Nested(ThresholdOut, required=True, allow_none=True)
    whole = ma.fields.Nested(ReliabilityLine, required=True)
    lines = ma.fields.List(ma.fields.Nested(ReliabilityLine), required=True)
