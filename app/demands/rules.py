"""What a call is, by its symptom. No database, no clock."""

from __future__ import annotations

from app.demands.models import DemandKind, Symptom
from app.network.models import Commodity

NUMBER_PREFIX = "SL"  # 受理
GAS_SYMPTOMS = frozenset({Symptom.NO_GAS, Symptom.GAS_SMELL})


def commodity_of(symptom: Symptom) -> Commodity:
    """Which network a symptom speaks of."""
    return Commodity.GAS if symptom in GAS_SYMPTOMS else Commodity.POWER


def kind_of(symptom: Symptom) -> DemandKind:
    """A smell of gas is a leak until somebody has measured."""
    return DemandKind.GAS_LEAK if symptom is Symptom.GAS_SMELL else DemandKind.OUTAGE_CALL
