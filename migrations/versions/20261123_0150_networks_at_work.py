"""networks at work

How often a branch's network was rebuilt or switched, counted by triggers (COPY too), and the log of switching.
Valves of synthetic districts were written as if a valve, like a switch, let through what is closed: they are open.

Revision ID: 0150_networks_at_work
Revises: 2250_number_ends
Create Date: 2026-11-23 01:50:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0150_networks_at_work"
down_revision = "2250_number_ends"
branch_labels = None
depends_on = None

OWN = "branch_id = ANY ((SELECT scoped_branches())::uuid[])"
DEVICES = "kind IN ('breaker', 'switch', 'tie_switch', 'valve')"
BOTH = "CROSS JOIN (VALUES ('power'), ('gas')) AS c (commodity)"

# Of each table: what names the network in its rows, and which changes rewire or switch it.
COUNTED = {
    "network_node": ("commodity", "", ("kind", "commodity"), ()),
    "network_link": ("commodity", "", ("kind", "commodity", "from_node_id", "to_node_id"), ("state", "usable")),
    "account": ("service", "", ("service", "premises_id"), ()),
    "premises": ("c.commodity", BOTH, ("service_node_id", "riser_node_id"), ()),
}


def row(alias: str, columns: tuple[str, ...]) -> str:
    return "ROW(" + ", ".join(f"{alias}.{column}" for column in columns) + ")"


def differs(columns: tuple[str, ...]) -> str:
    return f"bool_or({row('changed', columns)} IS DISTINCT FROM {row('was', columns)})" if columns else "false"


def count_changes(table: str) -> None:
    commodity, also, rewiring, switching = COUNTED[table]
    name = commodity if "." in commodity else f"changed.{commodity}"
    op.execute(
        f"""
        CREATE FUNCTION raise_network_edition_of_{table}() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, public AS $$
        BEGIN
          IF TG_OP = 'UPDATE' THEN
            INSERT INTO network_edition AS e (branch_id, commodity, wiring, switching)
            SELECT changed.branch_id, {name}, ({differs(("branch_id", *rewiring))})::int, ({differs(switching)})::int
            FROM changed JOIN was ON was.id = changed.id {also}
            GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (branch_id, commodity) DO UPDATE
            SET wiring = e.wiring + excluded.wiring, switching = e.switching + excluded.switching
            WHERE excluded.wiring + excluded.switching > 0;
          ELSE
            INSERT INTO network_edition AS e (branch_id, commodity, wiring, switching)
            SELECT DISTINCT changed.branch_id, {name}, 1, 0 FROM changed {also} ORDER BY 1, 2
            ON CONFLICT (branch_id, commodity) DO UPDATE SET wiring = e.wiring + 1;
          END IF;
          RETURN NULL;
        END $$
        """
    )
    tables = {
        "INSERT": "NEW TABLE AS changed",
        "DELETE": "OLD TABLE AS changed",
        "UPDATE": "OLD TABLE AS was NEW TABLE AS changed",
    }
    for event, transition in tables.items():
        op.execute(
            f"""
            CREATE TRIGGER raise_network_edition_{event.lower()} AFTER {event} ON {table} REFERENCING {transition}
            FOR EACH STATEMENT EXECUTE FUNCTION raise_network_edition_of_{table}()
            """
        )


def make_tables() -> None:
    op.create_table(
        "network_edition",
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("commodity", sa.Text(), nullable=False),
        sa.Column("wiring", sa.BigInteger(), nullable=False),
        sa.Column("switching", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("commodity IN ('power', 'gas')", name=op.f("ck_network_edition_commodity")),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_network_edition_branch_id")),
        sa.PrimaryKeyConstraint("branch_id", "commodity", name=op.f("pk_network_edition")),
    )
    op.create_table(
        "switching",
        sa.Column("commodity", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("parallel", sa.Boolean(), nullable=False),
        sa.Column("darkened", sa.Integer(), nullable=False),
        sa.Column("restored", sa.Integer(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("commodity IN ('power', 'gas')", name=op.f("ck_switching_commodity")),
        sa.CheckConstraint("move IN ('open', 'close')", name=op.f("ck_switching_move")),
        sa.CheckConstraint("undoes_id <> id", name=op.f("ck_switching_undoes_another")),
        sa.CheckConstraint("darkened >= 0 AND restored >= 0", name=op.f("ck_switching_customers")),
        sa.ForeignKeyConstraint(["branch_id"], ["branch.id"], name=op.f("fk_switching_branch_id")),
        sa.ForeignKeyConstraint(["link_id"], ["network_link.id"], name=op.f("fk_switching_link_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_switching_person_id")),
        sa.ForeignKeyConstraint(["undoes_id"], ["switching.id"], name=op.f("fk_switching_undoes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switching")),
    )
    op.create_index("ix_switching_branch_id", "switching", ["branch_id"])
    op.create_index("ix_switching_branch_id_at", "switching", ["branch_id", "at", "id"])
    op.create_index("ix_switching_link_id", "switching", ["link_id"])
    op.create_index("uq_switching_undoes_id", "switching", ["undoes_id"], unique=True)


def upgrade() -> None:
    make_tables()
    for table in ("network_edition", "switching"):
        op.execute(f"CREATE POLICY own_branch ON {table} USING ({OWN})")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO network_edition (branch_id, commodity, wiring, switching) "
        "SELECT DISTINCT branch_id, commodity, 1, 0 FROM network_node"
    )
    op.execute(
        "CREATE INDEX ix_network_link_devices ON network_link (branch_id, commodity, id) INCLUDE (kind, state, usable) "
        f"WHERE {DEVICES}"
    )
    set_synthetic_valves("open")
    for table in COUNTED:
        count_changes(table)


def set_synthetic_valves(state: str) -> None:
    op.execute(
        f"UPDATE network_link SET state = '{state}', normal_state = '{state}' "
        "WHERE kind = 'valve' AND branch_id IN (SELECT id FROM branch WHERE synthetic)"
    )


def downgrade() -> None:
    for table in COUNTED:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER raise_network_edition_{event} ON {table}")
        op.execute(f"DROP FUNCTION raise_network_edition_of_{table}()")
    set_synthetic_valves("closed")
    op.execute("DROP INDEX ix_network_link_devices")
    op.drop_table("switching")
    op.drop_table("network_edition")
