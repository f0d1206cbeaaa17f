"""let the centre repair ops

What a person at the centre said about an op that nobody could judge, and what came of it. From now on the database
itself keeps every op as it was received, and every final result.

Revision ID: 1335_repair
Revises: 1330_refused
Create Date: 2026-11-22 13:35:00
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON

revision = '1335_repair'
down_revision = '1330_refused'
branch_labels = None
depends_on = None

GUARDS = (
    """
    CREATE OR REPLACE FUNCTION sync_op_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF to_jsonb(NEW) - '{status,rev_after,result}'::text[] <> to_jsonb(OLD) - '{status,rev_after,result}'::text[] THEN
        RAISE EXCEPTION 'an op stays as it was received' USING ERRCODE = '23000', CONSTRAINT = 'sync_op_as_received';
      END IF;
      IF OLD.status NOT IN ('held', 'quarantined')
         AND (NEW.status, NEW.rev_after, NEW.result::text)
             IS DISTINCT FROM (OLD.status, OLD.rev_after, OLD.result::text)
      THEN
        RAISE EXCEPTION 'a final result is final' USING ERRCODE = '23000', CONSTRAINT = 'sync_op_final';
      END IF;
      RETURN NEW;
    END $$
    """,
    'CREATE TRIGGER sync_op_stands BEFORE UPDATE ON sync_op FOR EACH ROW EXECUTE FUNCTION sync_op_stands()',
    """
    CREATE OR REPLACE FUNCTION sync_repair_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'what was said stands' USING ERRCODE = '23000', CONSTRAINT = 'sync_repair_stands';
    END $$
    """,
    'CREATE TRIGGER sync_repair_stands BEFORE UPDATE ON sync_repair FOR EACH ROW EXECUTE FUNCTION sync_repair_stands()',
)


def upgrade() -> None:
    op.create_table(
        'sync_repair',
        sa.Column('device_id', sa.Uuid(), nullable=False),
        sa.Column('op_no', sa.BigInteger(), nullable=False),
        sa.Column('n', sa.Integer(), nullable=False),
        sa.Column('verb', sa.Text(), nullable=False),
        sa.Column('person_id', sa.Uuid(), nullable=True),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('fields', JSON(none_as_null=True), nullable=True),
        sa.Column('before', JSON(), nullable=False),
        sa.Column('after', JSON(), nullable=False),
        sa.Column('done', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('device_id', 'op_no', 'n', name=op.f('pk_sync_repair')),
        sa.ForeignKeyConstraint(
            ['device_id', 'op_no'], ['sync_op.device_id', 'sync_op.op_no'], name=op.f('fk_sync_repair_device_id_op_no')
        ),
        sa.CheckConstraint("verb IN ('replayed','repaired','refused','released')", name=op.f('ck_sync_repair_verb')),
        sa.CheckConstraint(
            "verb NOT IN ('repaired','refused') OR length(reason) > 0", name=op.f('ck_sync_repair_reason')
        ),
        sa.CheckConstraint("(verb = 'repaired') = (fields IS NOT NULL)", name=op.f('ck_sync_repair_fields')),
    )
    op.create_index(
        'uq_sync_repair_done', 'sync_repair', ['device_id', 'op_no'], unique=True, postgresql_where=sa.text('done')
    )
    for guard in GUARDS:
        op.execute(guard)


def downgrade() -> None:
    op.execute('DROP TRIGGER sync_op_stands ON sync_op')
    op.execute('DROP FUNCTION sync_op_stands()')
    op.drop_table('sync_repair')
    op.execute('DROP FUNCTION sync_repair_stands()')
