"""Settings: a frozen dataclass read once from the environment. Missing ones fail at start, by name."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as UnreadableFile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from mobile_sync.blobs import BucketAddress

BUCKET_OPTIONS = {"endpoint", "region"}
ROUTING_SERVERS = ("osrm", "valhalla")
SUSTAINED_MINUTES = (3, 5)
KEY_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class SettingsError(Exception):
    """A setting is missing or does not make sense; the message names it."""


@dataclass(frozen=True)
class Settings:
    """What the machine tells the application.

    `database_url` SQLAlchemy URL (postgresql+psycopg://…); `redis_url` redis:// or unix://; `blob_root` folder of
    half-arrived files and, without a `blob_bucket`, of whole ones by their content; `secret_key` ≥ 32 characters, signs
    refresh tokens and cursors, and tablets seal their bundles to a key made from it; `former_secret_keys` still open
    bundles that were sealed before it was changed; `public_origin` where browsers reach the web process;
    `trusted_proxies` how many reverse proxies stand in front, whose word on a caller's address and scheme is taken
    (with 0 nobody's is: throttling counts by address); `stream_origin` where they reach the stream process ("" = behind
    the same origin); `keep_originals` how long tablets keep a photo of which they know that it is here; `travel_engine`
    a routing server (osrm+http://…, valhalla+http://…) to ask for travel times instead of the branch's own streets;
    `answer_within` how long a crew that was sent has to accept before the desk is alerted (2 min: the design's own
    figure), `pass_on_after` how long an alert that nobody takes stays with one level (2 min:
    an assumption);
    `sustained_minutes` beyond which an interruption counts as sustained: 3 (DL/T 836) or 5 (IEEE 1366).
    """

    database_url: str
    redis_url: str
    blob_root: Path
    secret_key: str
    blob_bucket: BucketAddress | None = None
    former_secret_keys: tuple[str, ...] = ()
    public_origin: str = "http://127.0.0.1:8000"
    stream_origin: str = ""
    cookie_secure: bool = False
    trusted_proxies: int = 0
    pool_size: int = 10
    keep_originals: timedelta = timedelta(days=7)
    max_upload_bytes: int = 64 * 1024 * 1024
    log_level: str = "INFO"
    travel_engine: str = ""
    sustained_minutes: int = 3
    answer_within: timedelta = timedelta(minutes=2)
    pass_on_after: timedelta = timedelta(minutes=2)

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
            blob_bucket=_bucket(env),
            former_secret_keys=tuple(env.get("FORMER_SECRET_KEYS", "").split()),
            public_origin=origin,
            stream_origin=env.get("STREAM_ORIGIN", "").rstrip("/"),
            cookie_secure=origin.startswith("https://"),
            trusted_proxies=_number(env, "TRUSTED_PROXIES", cls.trusted_proxies, least=0),
            pool_size=_number(env, "DB_POOL_SIZE", cls.pool_size),
            keep_originals=timedelta(days=_number(env, "KEEP_ORIGINALS_DAYS", cls.keep_originals.days)),
            max_upload_bytes=_number(env, "MAX_UPLOAD_BYTES", cls.max_upload_bytes),
            log_level=env.get("LOG_LEVEL", cls.log_level),
            travel_engine=_travel_engine(env.get("TRAVEL_ENGINE", "").strip()),
            answer_within=timedelta(seconds=_number(env, "ANSWER_WITHIN_S", cls.answer_within.seconds)),
            pass_on_after=timedelta(seconds=_number(env, "PASS_ON_AFTER_S", cls.pass_on_after.seconds)),
            sustained_minutes=_sustained_minutes(env, cls.sustained_minutes),
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


def _travel_engine(setting: str) -> str:
    """`osrm+http://…` or `valhalla+http://…`; empty is the branch's own streets."""
    name, _, address = setting.partition("+")
    if setting and (name not in ROUTING_SERVERS or not address.startswith(("http://", "https://"))):
        raise SettingsError(f"TRAVEL_ENGINE must be {' or '.join(ROUTING_SERVERS)} + an http:// or https:// address")
    return setting


def _sustained_minutes(env: Mapping[str, str], default: int) -> int:
    minutes = _number(env, "SUSTAINED_MINUTES", default)
    if minutes not in SUSTAINED_MINUTES:
        raise SettingsError("SUSTAINED_MINUTES must be 3 (DL/T 836) or 5 (IEEE 1366)")
    return minutes


def _database_url(url: str) -> str:
    """The driver is psycopg 3, whatever the scheme says (postgres://, postgresql://)."""
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.startswith("postgres"):
        raise SettingsError("DATABASE_URL must be a postgresql:// address")
    return f"postgresql+psycopg://{rest}"


def _bucket(env: Mapping[str, str]) -> BucketAddress | None:
    """`s3://bucket/prefix?endpoint=https://…&region=…`; empty means that files stay in `BLOB_ROOT`."""
    setting = env.get("BLOB_STORE", "").strip()
    if not setting:
        return None
    parts = urlsplit(setting)
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.netloc:
        raise SettingsError("BLOB_STORE must be an s3://bucket/prefix address")
    if unknown := options.keys() - BUCKET_OPTIONS:
        raise SettingsError(f"BLOB_STORE knows endpoint and region, not {', '.join(sorted(unknown))}")
    endpoint = options.get("endpoint", "").rstrip("/")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise SettingsError("BLOB_STORE: endpoint must be an http:// or https:// address")
    keys = {**_keys_in_file(env), **{name: env[name] for name in (*KEY_NAMES, "AWS_SESSION_TOKEN") if env.get(name)}}
    if missing := [name for name in KEY_NAMES if name not in keys]:
        raise SettingsError(f"{missing[0]} is not set, nor in AWS_SHARED_CREDENTIALS_FILE; BLOB_STORE needs it")
    region = options.get("region") or env.get("AWS_REGION") or "us-east-1"
    access_key_id, secret_access_key = (keys[name] for name in KEY_NAMES)
    prefix, token = parts.path.strip("/"), keys.get("AWS_SESSION_TOKEN")
    return BucketAddress(parts.netloc, prefix, endpoint, region, access_key_id, secret_access_key, token)


def _keys_in_file(env: Mapping[str, str]) -> dict[str, str]:
    """The profile `AWS_PROFILE` of a credentials file as Amazon's tools write it, under the variables' names."""
    path = env.get("AWS_SHARED_CREDENTIALS_FILE")
    if not path:
        return {}
    profile = env.get("AWS_PROFILE", "default")
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(Path(path).read_text("utf-8"))
        return {name.upper(): value for name, value in parser[profile].items()}
    except (OSError, UnicodeDecodeError, UnreadableFile) as error:
        raise SettingsError(f"AWS_SHARED_CREDENTIALS_FILE cannot be read: {type(error).__name__}") from error
    except KeyError as error:
        raise SettingsError(f"AWS_SHARED_CREDENTIALS_FILE has no profile {profile}") from error
