"""The tables, in a MetaData of their own. No key points into the application: records are named by (entity, id)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Moment = DateTime(timezone=True)
SHA256 = LargeBinary()

# The life of this database (W11). `fingerprint` is the cluster, its timeline and the database's oid: a restored copy
# differs.
sync_epoch = Table(
    "sync_epoch",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("since", Moment, nullable=False, server_default=text("now()")),
    CheckConstraint("id = 1", name="only_one"),
)

sync_bucket = Table(
    "sync_bucket",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("high_seq", BigInteger, nullable=False, server_default="0"),
    Column("low_seq", BigInteger, nullable=False, server_default="0"),
    Column("row_count", BigInteger, nullable=False, server_default="0"),
    Column("checksum", Numeric(20, 0), nullable=False, server_default="0"),
    CheckConstraint("low_seq <= high_seq", name="seq_order"),
    CheckConstraint("row_count >= 0", name="row_count"),
    CheckConstraint("checksum >= 0 AND checksum < 18446744073709551616", name="checksum"),
    postgresql_with={"fillfactor": 50, "autovacuum_vacuum_scale_factor": 0.02},
)

# One row a record and bucket, never a log. `bucket_id` has no foreign key: buckets are never deleted, and a key-share
# lock on a busy bucket's row for each write would be paid for nothing. `row_hash` is set while the entry, as stamped,
# counts.
sync_entry = Table(
    "sync_entry",
    metadata,
    Column("bucket_id", BigInteger, nullable=False),
    Column("entity", Text, nullable=False),
    Column("rec_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    Column("dirty", Boolean, nullable=False, server_default="true"),
    Column("gone", Boolean, nullable=False, server_default="false"),
    Column("row_hash", BigInteger),
    Column("gone_at", Moment),
    PrimaryKeyConstraint("bucket_id", "entity", "rec_id"),
    CheckConstraint("gone = (gone_at IS NOT NULL)", name="gone_at"),
    CheckConstraint("dirty OR gone = (row_hash IS NULL)", name="row_hash"),
    postgresql_with={"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.05},
)
Index("ix_sync_entry_bucket_id_seq", sync_entry.c.bucket_id, sync_entry.c.seq)
Index("ix_sync_entry_dirty", sync_entry.c.bucket_id, postgresql_where=text("dirty"))
Index("ix_sync_entry_rec_id", sync_entry.c.rec_id)

# Which device had which bucket, from when to when, and why: work done offline is judged by the time it was done (S5).
sync_subscription = Table(
    "sync_subscription",
    metadata,
    Column("device_id", Uuid, nullable=False),
    Column("bucket_id", BigInteger, ForeignKey(sync_bucket.c.id), nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("reason", Text),
    PrimaryKeyConstraint("device_id", "bucket_id", "since"),
    CheckConstraint("until IS NULL OR until >= since", name="until"),
)
Index(
    "uq_sync_subscription_open",
    sync_subscription.c.device_id,
    sync_subscription.c.bucket_id,
    unique=True,
    postgresql_where=text("until IS NULL"),
)

# Full history: what each version changed, who, when, on which device. `prev_rev` chains versions, so that a gap is
# seen.
record_version = Table(
    "record_version",
    metadata,
    Column("entity", Text, nullable=False),
    Column("rec_id", Uuid, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("prev_rev", BigInteger, nullable=False),
    Column("patch", JSON, nullable=False),
    Column("deleted", Boolean, nullable=False, server_default="false"),
    Column("actor", Uuid),
    Column("device_id", Uuid),
    Column("op_no", BigInteger),
    Column("server_at", Moment, nullable=False),
    Column("device_at", Moment),
    Column("device_clock_error_ms", BigInteger),
    Column("gps", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("entity", "rec_id", "rev"),
    CheckConstraint("prev_rev < rev AND prev_rev >= 0", name="prev_rev"),
    CheckConstraint("(device_id IS NULL) = (op_no IS NULL)", name="op"),
)

# The ledger: one row an op, in the transaction of its effect. `body` is the op as received, kept as text: `digest` is
# the SHA-256 of just these characters.
sync_op = Table(
    "sync_op",
    metadata,
    Column("device_id", Uuid, nullable=False),
    Column("op_no", BigInteger, nullable=False),
    Column("entity", Text),
    Column("rec_id", Uuid),
    Column("kind", Text),
    Column("base_rev", BigInteger),
    Column("group_no", BigInteger),
    Column("schema_version", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("digest", SHA256, nullable=False),
    Column("status", Text, nullable=False),
    Column("rev_after", BigInteger, nullable=False),
    Column("result", JSON, nullable=False),
    Column("actor", Uuid),
    Column("device_at", Moment),
    Column("clock_error_ms", BigInteger, nullable=False),
    Column("received_at", Moment, nullable=False),
    PrimaryKeyConstraint("device_id", "op_no"),
    CheckConstraint("status IN ('applied','merged','noop','conflict','rejected','held','quarantined')", name="status"),
    CheckConstraint("op_no > 0", name="op_no"),
)
Index(
    "ix_sync_op_waiting",
    sync_op.c.device_id,
    sync_op.c.op_no,
    postgresql_where=text("status IN ('held','quarantined')"),
)
Index("ix_sync_op_rec_id", sync_op.c.rec_id)
Index(
    "ix_sync_op_rejected",
    sync_op.c.device_id,
    sync_op.c.received_at,
    postgresql_where=text("status = 'rejected'"),
)

# What a person at the centre said about an op that waited, and what came of it; only added to. `done`: the op has its
# final result by this.
sync_repair = Table(
    "sync_repair",
    metadata,
    Column("device_id", Uuid, nullable=False),
    Column("op_no", BigInteger, nullable=False),
    Column("n", Integer, nullable=False),
    Column("verb", Text, nullable=False),
    Column("person_id", Uuid),
    Column("at", Moment, nullable=False),
    Column("reason", Text),
    Column("fields", JSON(none_as_null=True)),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("done", Boolean, nullable=False),
    PrimaryKeyConstraint("device_id", "op_no", "n"),
    ForeignKeyConstraint(["device_id", "op_no"], ["sync_op.device_id", "sync_op.op_no"]),
    CheckConstraint("verb IN ('replayed','repaired','refused','released')", name="verb"),
    CheckConstraint("verb NOT IN ('repaired','refused') OR length(reason) > 0", name="reason"),
    CheckConstraint("(verb = 'repaired') = (fields IS NOT NULL)", name="fields"),
)
Index("uq_sync_repair_done", sync_repair.c.device_id, sync_repair.c.op_no, unique=True, postgresql_where=text("done"))

sync_conflict = Table(
    "sync_conflict",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("entity", Text, nullable=False),
    Column("rec_id", Uuid, nullable=False),
    Column("field", Text, nullable=False),
    Column("base", JSONB(none_as_null=True)),
    Column("theirs", JSONB, nullable=False),
    Column("mine", JSONB, nullable=False),
    Column("device_id", Uuid, nullable=False),
    Column("op_no", BigInteger, nullable=False),
    Column("theirs_rev", BigInteger, nullable=False),
    Column("policy", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("raised_at", Moment, nullable=False),
    Column("assignee", Uuid),
    Column("due_at", Moment),
    Column("resolution", JSONB(none_as_null=True)),
    Column("resolved_rev", BigInteger),
    Column("resolved_by", Uuid),
    Column("resolved_at", Moment),
    Column("rev", BigInteger, nullable=False, server_default="1"),
    Column("acknowledged_by", Uuid),
    Column("acknowledged_at", Moment),
    CheckConstraint("state IN ('open','resolved','dismissed')", name="state"),
    CheckConstraint("(state = 'open') = (resolved_at IS NULL)", name="resolved_at"),
)
Index("ix_sync_conflict_rec_id", sync_conflict.c.rec_id)
Index(
    "uq_sync_conflict_open",
    sync_conflict.c.rec_id,
    sync_conflict.c.entity,
    sync_conflict.c.field,
    sync_conflict.c.device_id,
    unique=True,
    postgresql_where=text("state = 'open'"),
)

sync_device_state = Table(
    "sync_device_state",
    metadata,
    Column("device_id", Uuid, primary_key=True),
    Column("high_op_no", BigInteger, nullable=False, server_default="0"),
    Column("schema_version", Integer),
    Column("clock_error_ms", BigInteger),
    Column("sent_at", Moment),
    Column("monotonic_ms", BigInteger),
    Column("last_push_at", Moment),
    Column("last_pull_at", Moment),
    Column("epoch_seen", Text),
    Column("cursors", JSONB(none_as_null=True)),
    Column("report", JSONB(none_as_null=True)),
    Column("reported_at", Moment),
    CheckConstraint("high_op_no >= 0", name="high_op_no"),
    postgresql_with={"fillfactor": 50},
)

# `lost`: it was never declared and is missing from `verified_at` on; the bytes go later (B11).
blob = Table(
    "blob",
    metadata,
    Column("sha256", SHA256, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mime", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("declared_at", Moment, nullable=False),
    Column("verified_at", Moment),
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
    CheckConstraint("state IN ('declared','partial','verified','lost')", name="state"),
    CheckConstraint("(state IN ('verified','lost')) = (verified_at IS NOT NULL)", name="verified_at"),
    CheckConstraint("size > 0", name="size"),
)

blob_ref = Table(
    "blob_ref",
    metadata,
    Column("entity", Text, nullable=False),
    Column("rec_id", Uuid, nullable=False),
    Column("slot", Text, nullable=False),
    Column("sha256", SHA256, ForeignKey(blob.c.sha256), nullable=False),
    Column("device_id", Uuid),
    Column("op_no", BigInteger),
    Column("taken_at", Moment),
    Column("gps", JSONB(none_as_null=True)),
    Column("device_signature", LargeBinary),
    PrimaryKeyConstraint("rec_id", "entity", "slot", "sha256"),
)
Index("ix_blob_ref_sha256", blob_ref.c.sha256)

sync_upload = Table(
    "sync_upload",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sha256", SHA256, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mime", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("device_id", Uuid, nullable=False),
    Column("actor", Uuid),
    Column("offset_bytes", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("finished_at", Moment),
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
    CheckConstraint("size > 0 AND offset_bytes BETWEEN 0 AND size", name="offset_bytes"),
)
Index("ix_sync_upload_sha256_device_id", sync_upload.c.sha256, sync_upload.c.device_id)
Index("ix_sync_upload_expires_at", sync_upload.c.expires_at, postgresql_where=text("finished_at IS NULL"))
