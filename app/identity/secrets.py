"""Secrets of identity: password hashes, tokens, enrolment codes. Nothing here is ever stored or logged in the clear."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's second choice: 19 MiB, two passes, one lane. The library's default takes five times as long, and a whole
# district signs in at eight o'clock.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # no 0 O 1 I L: it is read aloud and typed with gloves
CODE_LENGTH = 10
GIS_KEY_PREFIX = "gis_"


def hash_password(password: str) -> str:
    """An Argon2id hash in PHC form."""
    return _HASHER.hash(password)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether the password is right. Without a hash it costs the same time, so that logins cannot be told apart."""
    try:
        _HASHER.verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))


def digest(token: str) -> bytes:
    """What is kept of a random token or code: its SHA-256 (they have far more bits than can be tried)."""
    return hashlib.sha256(token.encode()).digest()


def new_browser_token() -> str:
    """256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


def new_enrolment_code() -> str:
    """Ten characters, 49 bits: enough for half an hour behind a throttle."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def new_gis_key() -> str:
    """256 random bits behind a word by which doors, people and scanners of leaked secrets know what it is."""
    return GIS_KEY_PREFIX + secrets.token_urlsafe(32)


def access_token(secret_key: str, session_id: UUID, generation: int) -> str:
    """The access token of one generation of a login; derived, so that it can be given again and is never stored."""
    return _seal(secret_key, f"access:{session_id}:{generation}")


def refresh_token(secret_key: str, session_id: UUID, generation: int) -> str:
    """`<session>.<generation>.<HMAC-SHA-256>`: says whose it is, and cannot be made without the secret key."""
    return f"{session_id.hex}.{generation}.{_seal(secret_key, f'refresh:{session_id}:{generation}')}"


def read_refresh_token(secret_key: str, token: str) -> tuple[UUID, int] | None:
    """Session and generation of a genuine refresh token, else None."""
    session_hex, _, rest = token.partition(".")
    generation_text, _, _ = rest.partition(".")
    try:
        session_id, generation = UUID(hex=session_hex), int(generation_text)
    except ValueError:
        return None
    genuine = hmac.compare_digest(refresh_token(secret_key, session_id, generation).encode(), token.encode())
    return (session_id, generation) if genuine else None


def pseudonym(secret_key: str, subject: str) -> str:
    """A stable stand-in for a login or an address: people type passwords into the login field."""
    return _seal(secret_key, f"throttle:{subject}")


def _seal(secret_key: str, message: str) -> str:
    mac = hmac.new(secret_key.encode(), message.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")
