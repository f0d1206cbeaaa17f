"""A device's own key for hosts that bind sessions to one: P-256, signatures as WebCrypto makes them (SPEC.md W7).

Needs the `cryptography` package; devices with a plain token do not.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


@dataclass(frozen=True)
class DeviceKey:
    """Made on the device and kept there."""

    secret: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls) -> DeviceKey:
        """A new one."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, pem: str) -> DeviceKey:
        """One that was kept.

        Raises:
            ValueError: it is no such key.
        """
        secret = load_pem_private_key(pem.encode(), None)
        if not isinstance(secret, ec.EllipticCurvePrivateKey):
            raise ValueError("not a P-256 key")
        return cls(secret)

    def pem(self) -> str:
        """To be kept; whoever has it is the device."""
        return self.secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def jwk(self) -> dict[str, str]:
        """The public half (RFC 7517)."""
        numbers = self.secret.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _coded(numbers.x), "y": _coded(numbers.y)}

    def sign(self, message: bytes) -> bytes:
        """64 bytes, r and s, as WebCrypto makes them."""
        r, s = decode_dss_signature(self.secret.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def refresh(self, device_id: str, refresh_token: str, signed_at: str) -> Mapping[str, Any]:
        """The body that asks for new tokens: a signature over `device_id.refresh_token.nonce`."""
        nonce = secrets.token_urlsafe(16)
        signature = _coded_bytes(self.sign(f"{device_id}.{refresh_token}.{nonce}".encode()))
        proof_of = {"device_id": device_id, "nonce": nonce, "signature": signature}
        return {**proof_of, "refresh_token": refresh_token, "signed_at": signed_at}


def _coded(number: int) -> str:
    return _coded_bytes(number.to_bytes(32, "big"))


def _coded_bytes(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
