"""A savepoint that falls leaves nothing behind, not even in the session's memory."""

from __future__ import annotations

import gc

import pytest
from sqlalchemy.orm import Session

from app.crews.models import Crew
from app.kernel.actor import SYSTEM
from app.kernel.problems import Conflict
from app.kernel.unit_of_work import Runtime
from tests.factories import given_branch
from tests.factories_field import given_crew


def test_a_row_written_forgotten_and_loaded_again_in_a_fallen_savepoint_is_read_afresh(
    runtime: Runtime, session: Session
) -> None:
    crew_id = given_crew(session, given_branch(session))[0].id
    with runtime.unit_of_work(SYSTEM) as uow:
        loaded = []
        with pytest.raises(Conflict), uow.savepoint():
            uow.session.get_one(Crew, crew_id).name_zh = "改过"
            uow.session.flush()  # the revision rises inside the savepoint
            gc.collect()  # nobody holds the row: the session forgets it
            loaded.append(uow.session.get_one(Crew, crew_id))  # clean, and with the new revision
            raise Conflict
        assert loaded[0].rev == 1
        loaded[0].name_zh = "再改"
    assert (loaded[0].name_zh, loaded[0].rev) == ("再改", 2)
