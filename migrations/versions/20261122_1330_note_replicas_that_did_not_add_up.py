"""note replicas that did not add up

A tablet that finds a bucket of its replica wrong heals it by itself; the server now hears of it.

Revision ID: 1330_sync_incidents
Revises: 1430_wiped_at
Create Date: 2026-11-22 13:30:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '1330_sync_incidents'
down_revision = '1430_wiped_at'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'sync_incident',
        sa.Column('device_id', sa.Uuid(), nullable=False),
        sa.Column('bucket', sa.Text(), nullable=False),
        sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('expected_rows', sa.BigInteger(), nullable=False),
        sa.Column('expected_checksum', sa.Text(), nullable=False),
        sa.Column('rows', sa.BigInteger(), nullable=False),
        sa.Column('checksum', sa.Text(), nullable=False),
        sa.Column('healed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('reported_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind = CASE WHEN rows < expected_rows THEN 'missing' WHEN rows > expected_rows THEN 'surplus' "
            "ELSE 'altered' END",
            name=op.f('ck_sync_incident_kind'),
        ),
        sa.CheckConstraint('rows >= 0 AND expected_rows >= 0', name=op.f('ck_sync_incident_rows')),
        sa.CheckConstraint(
            "checksum ~ '^[0-9a-f]{16}$' AND expected_checksum ~ '^[0-9a-f]{16}$'", name=op.f('ck_sync_incident_checksum')
        ),
        sa.CheckConstraint('rows <> expected_rows OR checksum <> expected_checksum', name=op.f('ck_sync_incident_differs')),
        sa.CheckConstraint('healed_at >= found_at', name=op.f('ck_sync_incident_healed_at')),
        sa.PrimaryKeyConstraint('device_id', 'bucket', 'found_at', name=op.f('pk_sync_incident')),
    )
    op.create_index('ix_sync_incident_found_at', 'sync_incident', ['found_at'])
    op.create_index(
        'ix_sync_incident_open', 'sync_incident', ['device_id'], postgresql_where=sa.text('healed_at IS NULL')
    )


def downgrade() -> None:
    op.drop_table('sync_incident')
