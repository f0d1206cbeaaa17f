"""Hashes, tokens and codes: what is kept says nothing, what is given out cannot be made up."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.identity import secrets
from app.kernel.ids import new_id

KEY = "k" * 32


def test_a_password_hash_is_argon2id_with_the_measured_parameters() -> None:
    kept = secrets.hash_password("correct-horse-battery")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert secrets.password_fits(kept, "correct-horse-battery")
    assert not secrets.password_fits(kept, "correct-horse-batterz")
    assert not secrets.password_fits(None, "correct-horse-battery")
    assert not secrets.password_fits("not a hash", "correct-horse-battery")
    assert not secrets.is_outdated(kept)


@given(generation=st.integers(0, 2**31), session=st.uuids())
def test_a_refresh_token_names_its_login_and_is_bound_to_our_key(generation: int, session: UUID) -> None:
    token = secrets.refresh_token(KEY, session, generation)
    assert secrets.read_refresh_token(KEY, token) == (session, generation)
    assert secrets.read_refresh_token("another" + KEY, token) is None


@given(st.text(max_size=120))
def test_a_made_up_refresh_token_is_nothing(token: str) -> None:
    assert secrets.read_refresh_token(KEY, token) is None


@given(st.integers(0, 200), st.characters(codec="ascii", categories=["L", "N"]))
def test_changing_one_character_of_a_refresh_token_spoils_it(place: int, character: str) -> None:
    session = UUID(int=7)
    token = secrets.refresh_token(KEY, session, 3)
    at = place % len(token)
    forged = token[:at] + character + token[at + 1 :]
    assert secrets.read_refresh_token(KEY, forged) is None or forged == token


def test_access_and_refresh_tokens_of_a_generation_have_nothing_in_common() -> None:
    session = new_id()
    access = secrets.access_token(KEY, session, 1)
    assert access not in secrets.refresh_token(KEY, session, 1)
    assert access != secrets.access_token(KEY, session, 2)


def test_an_enrolment_code_can_be_read_aloud() -> None:
    codes = {secrets.new_enrolment_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 10 and not set(code) & set("01OIL") and code == code.upper() for code in codes)
