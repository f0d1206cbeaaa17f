"""Settings: a frozen dataclass read once from the environment. Missing ones fail at start, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(Exception):
    """A setting is missing or does not make sense; the message names it."""


@dataclass(frozen=True)
class Settings:
    """What the machine tells the application.

    `database_url` SQLAlchemy URL (postgresql+psycopg://…); `redis_url` redis:// or unix://; `blob_root` folder of
    content-addressed files; `secret_key` ≥ 32 characters, signs refresh tokens and cursors; `public_origin` where
    browsers reach the web process; `trusted_proxies` how many reverse proxies stand in front, whose word on a caller's
    address and scheme is taken (with 0 nobody's is: throttling counts by address); `stream_origin` where they reach the
    stream process ("" = behind the same origin).
    """

    database_url: str
    redis_url: str
    blob_root: Path
    secret_key: str
    public_origin: str = "http://127.0.0.1:8000"
    stream_origin: str = ""
    cookie_secure: bool = False
    trusted_proxies: int = 0
    pool_size: int = 10
    max_upload_bytes: int = 64 * 1024 * 1024
    log_level: str = "INFO"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the environment.

        Raises:
            SettingsError: a required setting is missing, or a value does not parse.
        """
        secret = _required(env, "SECRET_KEY")
        if len(secret) < 32:
            raise SettingsError("SECRET_KEY must have at least 32 characters")
        origin = env.get("PUBLIC_ORIGIN", cls.public_origin).rstrip("/")
        return cls(
            database_url=_database_url(_required(env, "DATABASE_URL")),
            redis_url=_required(env, "REDIS_URL"),
            blob_root=Path(_required(env, "BLOB_ROOT")),
            secret_key=secret,
            public_origin=origin,
            stream_origin=env.get("STREAM_ORIGIN", "").rstrip("/"),
            cookie_secure=origin.startswith("https://"),
            trusted_proxies=_number(env, "TRUSTED_PROXIES", cls.trusted_proxies, least=0),
            pool_size=_number(env, "DB_POOL_SIZE", cls.pool_size),
            max_upload_bytes=_number(env, "MAX_UPLOAD_BYTES", cls.max_upload_bytes),
            log_level=env.get("LOG_LEVEL", cls.log_level),
        )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _number(env: Mapping[str, str], name: str, default: int, *, least: int = 1) -> int:
    try:
        value = int(env.get(name, default))
    except ValueError as error:
        raise SettingsError(f"{name} must be a whole number") from error
    if value < least:
        raise SettingsError(f"{name} must be at least {least}")
    return value


def _database_url(url: str) -> str:
    """The driver is psycopg 3, whatever the scheme says (postgres://, postgresql://)."""
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.startswith("postgres"):
        raise SettingsError("DATABASE_URL must be a postgresql:// address")
    return f"postgresql+psycopg://{rest}"
