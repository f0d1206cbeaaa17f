"""The machine's own mirrors and certificates, handed on: a host is never named here.

pip reads its settings from files and PIP_* variables, uv from UV_* only, Node from NODE_EXTRA_CA_CERTS. A machine set
up for one of them should work for all.
"""

from __future__ import annotations

import configparser
import ssl
from collections.abc import Mapping
from pathlib import Path

PIP_KEYS = ("index-url", "extra-index-url", "find-links", "cert")


def pip_settings(environ: Mapping[str, str], files: list[Path]) -> dict[str, str]:
    """The settings of pip by key: files in order, later ones winning, then PIP_* variables."""
    found: dict[str, str] = {}
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([file for file in files if file.is_file()], encoding="utf-8")
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= {key: parser[section][key] for key in PIP_KEYS if key in parser[section]}
    for key in PIP_KEYS:
        value = environ.get("PIP_" + key.upper().replace("-", "_"))
        if value:
            found[key] = value
    return found


def pip_files(environ: Mapping[str, str]) -> list[Path]:
    """Where pip looks for its settings on this system."""
    home = Path(environ.get("HOME") or "/")
    config_home = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", config_home / "pip/pip.conf"]
    return [*files, Path(environ["PIP_CONFIG_FILE"])] if environ.get("PIP_CONFIG_FILE") else files


def fetching(environ: Mapping[str, str], files: list[Path], system_bundle: Path | None) -> dict[str, str]:
    """`environ` completed so that pip, uv, npm and Node use the same mirrors and trust the same authorities."""
    pip = pip_settings(environ, files)
    ready = dict(environ)
    bundle = environ.get("SSL_CERT_FILE") or pip.get("cert") or (str(system_bundle) if system_bundle else "")
    if bundle:
        for name in ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"):
            ready.setdefault(name, bundle)
    if "index-url" in pip:
        ready.setdefault("UV_DEFAULT_INDEX", pip["index-url"])
    extra = [url for url in pip.get("extra-index-url", "").split() if is_there(url)]
    if extra:
        ready.setdefault("UV_INDEX", " ".join(extra))
        # As pip does. Safe because every package is locked by hash: an index can only offer the same bytes.
        ready.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    links = [link for link in pip.get("find-links", "").split() if is_there(link)]
    if links:
        ready.setdefault("UV_FIND_LINKS", ",".join(links))
    return ready


def is_there(location: str) -> bool:
    """Whether a folder exists, where the location is one: uv refuses to start over a missing folder, pip shrugs."""
    if location.startswith("file://"):
        return Path(location.removeprefix("file://")).is_dir()
    return "://" in location or Path(location).is_dir()


def system_bundle() -> Path | None:
    """The machine's certificate authorities in one file, where it keeps them so."""
    paths = ssl.get_default_verify_paths()
    for name in (
        paths.cafile,
        paths.openssl_cafile,
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
    ):
        if name and Path(name).is_file():
            return Path(name)
    return None
