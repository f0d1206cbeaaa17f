"""count the changes of the ground

Each change of a table that static map layers are made of raises its version, whoever writes and however (COPY too).

Revision ID: 0002_map_versions
Revises: 0001
Create Date: 2026-11-22 07:05:00
"""
from __future__ import annotations

from alembic import op

revision = '0002_map_versions'
down_revision = '0001'
branch_labels = None
depends_on = None

GROUND = ('place', 'street_edge', 'network_node', 'network_link', 'premises')


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION raise_map_version() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
        BEGIN
          INSERT INTO map_version AS v (source, version) VALUES (TG_TABLE_NAME, 1)
          ON CONFLICT (source) DO UPDATE SET version = v.version + 1;
          RETURN NULL;
        END $$
        """
    )
    for table in GROUND:
        op.execute(
            f"""
            CREATE TRIGGER raise_map_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION raise_map_version()
            """
        )


def downgrade() -> None:
    for table in GROUND:
        op.execute(f'DROP TRIGGER raise_map_version ON {table}')
    op.execute('DROP FUNCTION raise_map_version()')
