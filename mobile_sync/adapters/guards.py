"""The database itself keeps an op as it was received, and a final result final (SPEC.md R6)."""

from __future__ import annotations

from sqlalchemy import DDL, event

from mobile_sync.adapters.tables import sync_op, sync_repair

# Errors of class 23, so that an application may tell them from a fault of its own.
OP_STANDS = """
CREATE OR REPLACE FUNCTION sync_op_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(NEW) - '{status,rev_after,result}'::text[] <> to_jsonb(OLD) - '{status,rev_after,result}'::text[] THEN
    RAISE EXCEPTION 'an op stays as it was received' USING ERRCODE = '23000', CONSTRAINT = 'sync_op_as_received';
  END IF;
  IF OLD.status NOT IN ('held', 'quarantined')
     AND (NEW.status, NEW.rev_after, NEW.result::text) IS DISTINCT FROM (OLD.status, OLD.rev_after, OLD.result::text)
  THEN
    RAISE EXCEPTION 'a final result is final' USING ERRCODE = '23000', CONSTRAINT = 'sync_op_final';
  END IF;
  RETURN NEW;
END $$
"""
OP_TRIGGER = "CREATE TRIGGER sync_op_stands BEFORE UPDATE ON sync_op FOR EACH ROW EXECUTE FUNCTION sync_op_stands()"
REPAIR_STANDS = """
CREATE OR REPLACE FUNCTION sync_repair_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was said stands' USING ERRCODE = '23000', CONSTRAINT = 'sync_repair_stands';
END $$
"""
REPAIR_TRIGGER = (
    "CREATE TRIGGER sync_repair_stands BEFORE UPDATE ON sync_repair FOR EACH ROW EXECUTE FUNCTION sync_repair_stands()"
)


def install_guards() -> None:
    """Make them wherever the tables are made from their metadata; migrations write them out."""
    for table, statements in ((sync_op, (OP_STANDS, OP_TRIGGER)), (sync_repair, (REPAIR_STANDS, REPAIR_TRIGGER))):
        for statement in statements:
            event.listen(table, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[no-untyped-call]
