"""Every table of the application and of the sync engine, for migrations and for loading in bulk."""

from __future__ import annotations

from sqlalchemy import MetaData

import app.crews.models
import app.customers.models
import app.deadlines.models
import app.demands.models
import app.dispatch.models
import app.grid.models
import app.identity.models
import app.jobs.models
import app.kernel.idempotency
import app.kernel.numbers
import app.kernel.outbox
import app.map.models
import app.media.models
import app.network.models
import app.notices.models
import app.outages.models
import app.planning.models
import app.reliability.models
import app.staff.models
import app.streets.models
import app.supply.models  # noqa: F401  # importing declares the tables
from app.kernel.db import Model
from mobile_sync.adapters.sql import metadata as sync_metadata

ALL_METADATA: list[MetaData] = [Model.metadata, sync_metadata]
