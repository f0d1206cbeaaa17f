"""A tablet's key: P-256 public keys as JWK (RFC 7517), their thumbprint (RFC 7638), raw signatures (IEEE P1363)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.kernel.problems import FieldError, Invalid

COORDINATE_BYTES = 32
SIGNATURE_BYTES = 64


def public_jwk(value: Mapping[str, Any]) -> dict[str, str]:
    """The four members that make the key; others (`ext`, `key_ops`) are dropped.

    Raises:
        Invalid: not a P-256 public key, or it carries its private half.
    """
    if "d" in value:
        raise Invalid(FieldError("public_key", "private_key"))
    if value.get("kty") != "EC" or value.get("crv") != "P-256":
        raise Invalid(FieldError("public_key", "not_p256"))
    jwk = {"crv": "P-256", "kty": "EC", "x": str(value.get("x", "")), "y": str(value.get("y", ""))}
    _key_of(jwk)
    return jwk


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638: SHA-256 of the required members in order, base64url."""
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")


def signed_by(jwk: Mapping[str, str], message: str, signature: str) -> bool:
    """Whether `signature` (base64url of r||s, 32 bytes each, as WebCrypto makes it) is this key's over the message."""
    raw = _bytes(signature)
    if raw is None or len(raw) != SIGNATURE_BYTES:
        return False
    r, s = int.from_bytes(raw[:COORDINATE_BYTES]), int.from_bytes(raw[COORDINATE_BYTES:])
    try:
        _key_of(jwk).verify(encode_dss_signature(r, s), message.encode(), ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _key_of(jwk: Mapping[str, str]) -> EllipticCurvePublicKey:
    x, y = _bytes(jwk["x"]), _bytes(jwk["y"])
    if x is None or y is None or len(x) != COORDINATE_BYTES or len(y) != COORDINATE_BYTES:
        raise Invalid(FieldError("public_key", "not_p256"))
    try:
        return EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), SECP256R1()).public_key()
    except ValueError as error:  # the point is not on the curve
        raise Invalid(FieldError("public_key", "not_p256")) from error


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
