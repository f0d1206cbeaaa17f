"""find by the end of a number

Jobs by both ends of their number, parties by the start of their name and the end of their phone number, by indexes. An
end is the start of the number written backwards; it is asked for through functions that run as the owner, because a
policy lets no expression through to an index; they hold themselves to the branches of the transaction.

Revision ID: 2250_number_ends
Revises: 1345_crew_regions
Create Date: 2026-11-22 22:50:00
"""
from __future__ import annotations

from alembic import op

revision = '2250_number_ends'
down_revision = '1345_crew_regions'
branch_labels = None
depends_on = None

ENDING = (('jobs_ending_in', 'job', 'number'), ('parties_with_phone_ending_in', 'party', 'phone'))


def upgrade() -> None:
    op.execute('CREATE INDEX ix_job_number_prefix ON job (branch_id, number text_pattern_ops)')
    op.execute('CREATE INDEX ix_party_branch_id_name ON party (branch_id, name text_pattern_ops)')
    for function, table, column in ENDING:
        op.execute(f'CREATE INDEX ix_{table}_{column}_end ON {table} (reverse({column}) text_pattern_ops)')
        # As a range: of a text that is a parameter the planner makes none. 1114111 is the last of all characters.
        op.execute(
            f"""
            CREATE FUNCTION {function}(wanted text) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
            SET search_path = pg_catalog, public, pg_temp AS $$
              SELECT t.id FROM {table} t
              WHERE reverse(t.{column}) ~>=~ reverse(wanted)
                AND reverse(t.{column}) ~<~ (reverse(wanted) || chr(1114111))
                AND (current_setting('role') <> 'lamplighter_scoped' OR t.branch_id = ANY (scoped_branches()))
            $$
            """
        )


def downgrade() -> None:
    for function, table, column in ENDING:
        op.execute(f'DROP FUNCTION {function}(text)')
        op.execute(f'DROP INDEX ix_{table}_{column}_end')
    op.execute('DROP INDEX ix_party_branch_id_name')
    op.execute('DROP INDEX ix_job_number_prefix')
