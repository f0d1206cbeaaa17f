"""Sealing and opening bundles, and the receipts for them (SPEC.md V2–V4, V8).

Needs the `cryptography` package. ECDH over P-256 with a key made for the one bundle, HKDF-SHA-256, AES-256-GCM a chunk;
ES256 by the device. WebCrypto does the same in a browser, which is why no curve or cipher stands here that it has not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mobile_sync.bundle import CHUNK_BYTES, TAG_BYTES, Header, Opening, chunks_of, nonce_of, opening, read_exactly
from mobile_sync.protocol import SyncProblem

_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SEALING, _RECEIPTS = b"mobile-sync seal 1", b"mobile-sync receipt 1"
_BUNDLE = b"mobile-sync bundle 1"

Jwk = Mapping[str, str]


class Signer(Protocol):
    """A device's key."""

    def sign(self, message: bytes) -> bytes:
        """64 bytes, r and s."""


@dataclass(frozen=True)
class ServerKeys:
    """What bundles are sealed to, and what receipts are signed with."""

    seal: ec.EllipticCurvePrivateKey
    sign: ec.EllipticCurvePrivateKey

    @classmethod
    def derived(cls, secret: str) -> ServerKeys:
        """Both from one secret of the installation: nothing to store, to back up or to agree on between processes."""
        return cls(_derived(secret, _SEALING), _derived(secret, _RECEIPTS))

    def told(self) -> dict[str, Jwk]:
        """The public halves, for devices to keep."""
        return {"seal": public_jwk(self.seal), "sign": public_jwk(self.sign)}


def _derived(secret: str, purpose: bytes) -> ec.EllipticCurvePrivateKey:
    """FIPS 186-5 A.2.1: enough bits more than the order has that the remainder is even."""
    bits = HKDF(SHA256(), 48, salt=None, info=purpose).derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(bits, "big") % (_ORDER - 1) + 1, _CURVE)


def public_jwk(key: ec.EllipticCurvePrivateKey) -> Jwk:
    """RFC 7517, without the private half."""
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": coded(numbers.x.to_bytes(32)), "y": coded(numbers.y.to_bytes(32))}


def thumbprint(jwk: Jwk) -> str:
    """RFC 7638."""
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return coded(hashlib.sha256(canonical.encode()).digest())


def coded(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def uncoded(text: str) -> bytes:
    """Back again.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error


def _public(jwk: Jwk) -> ec.EllipticCurvePublicKey:
    x, y = int.from_bytes(uncoded(jwk["x"])), int.from_bytes(uncoded(jwk["y"]))
    return ec.EllipticCurvePublicNumbers(x, y, _CURVE).public_key()


def _signed_by(jwk: Jwk, message: bytes, signature: bytes) -> bool:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        _public(jwk).verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError, KeyError):
        return False
    return True


def raw_signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """ES256 as JWS and WebCrypto write it."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _cipher(mine: ec.EllipticCurvePrivateKey, theirs: Jwk, signed: bytes) -> AESGCM:
    """The bundle's own key, bound to every byte of its head."""
    shared = mine.exchange(ec.ECDH(), _public(theirs))
    salt = hashlib.sha256(signed).digest()
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=_BUNDLE).derive(shared))


def seal(header: Header, ops: bytes, content: Callable[[str], bytes], server: Jwk, device: Signer) -> Iterator[bytes]:
    """The bytes of a bundle, piece by piece. `to`, `key` and what is told of the ops are filled in here."""
    own = ec.generate_private_key(_CURVE)
    ops_sha256 = hashlib.sha256(ops).hexdigest()
    told = replace(header, key=public_jwk(own), to=thumbprint(server), ops_size=len(ops), ops_sha256=ops_sha256)
    signed = opening(told.written())
    yield signed
    yield device.sign(signed)
    cipher = _cipher(own, server, signed)
    yield from _sealed(cipher, 0, ops)
    for part, file in enumerate(header.files, start=1):
        yield from _sealed(cipher, part, content(file.sha256))


def _sealed(cipher: AESGCM, part: int, content: bytes) -> Iterator[bytes]:
    for number, size, last in chunks_of(len(content)):
        piece = content[number * CHUNK_BYTES : number * CHUNK_BYTES + size]
        yield cipher.encrypt(nonce_of(part, number, last=last), piece, None)


def must_be_of(opened: Opening, jwk: Jwk) -> None:
    """The device of this key made it, and nobody changed its head since.

    Raises:
        SyncProblem: `broken_seal`.
    """
    if not _signed_by(jwk, opened.signed, opened.signature):
        raise SyncProblem("broken_seal", 422)


@dataclass(frozen=True)
class Unsealing:
    """The parts of a bundle, in order, as they come from `source`."""

    opened: Opening
    source: BinaryIO
    cipher: AESGCM

    @classmethod
    def begun(cls, opened: Opening, source: BinaryIO, keys: Sequence[ServerKeys]) -> Unsealing:
        """With the key that the bundle is sealed to.

        Raises:
            SyncProblem: `foreign_server`: none of ours. `broken_seal`.
        """
        header = opened.header
        fits = [one for one in keys if thumbprint(public_jwk(one.seal)) == header.to]
        if not fits:
            raise SyncProblem("foreign_server", 422)
        try:
            cipher = _cipher(fits[0].seal, header.key, opened.signed)
        except ValueError as error:  # no point of the curve
            raise SyncProblem("broken_seal", 422) from error
        return cls(opened, source, cipher)

    def ops(self, read: Callable[[bytes], Any] = json.loads) -> list[Any]:
        """The first part; `read` is how the server reads JSON.

        Raises:
            SyncProblem: `broken_seal`, `bundle_truncated`; `bundle_gap`: op numbers that do not follow on each other.
        """
        header = self.opened.header
        raw = b"".join(self.part(0, header.ops_size, header.ops_sha256))
        try:
            ops = read(raw)
        except (ValueError, RecursionError) as error:
            raise SyncProblem("broken_seal", 422) from error
        if not isinstance(ops, list) or len(ops) != header.ops_count or not all(isinstance(one, dict) for one in ops):
            raise SyncProblem("broken_seal", 422)
        if [one.get("op_no") for one in ops] != [header.first_op + at for at in range(len(ops))]:
            raise SyncProblem("bundle_gap", 422, first_op=header.first_op, last_op=header.last_op)
        return ops

    def part(self, number: int, size: int, sha256: str) -> Iterator[bytes]:
        """A part's bytes, never more than a chunk in memory; the last one only when the whole is what its hash says.

        Raises:
            SyncProblem: `broken_seal`, `bundle_truncated`.
        """
        digest = hashlib.sha256()
        for chunk, length, last in chunks_of(size):
            sealed = read_exactly(self.source, length + TAG_BYTES)
            try:
                piece = self.cipher.decrypt(nonce_of(number, chunk, last=last), sealed, None)
            except InvalidTag as error:
                raise SyncProblem("broken_seal", 422) from error
            digest.update(piece)
            if last and digest.hexdigest() != sha256:
                raise SyncProblem("broken_seal", 422)
            yield piece

    def end(self) -> None:
        """Nothing may stand behind the last part.

        Raises:
            SyncProblem: `broken_seal`.
        """
        if self.source.read(1):
            raise SyncProblem("broken_seal", 422)


def write_receipt(keys: ServerKeys, claims: Mapping[str, Any]) -> str:
    """A compact JWS (RFC 7515) over the claims."""
    head = {"alg": "ES256", "kid": thumbprint(public_jwk(keys.sign)), "typ": "mobile-sync-receipt"}
    text = ".".join(coded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return f"{text}.{coded(raw_signature(keys.sign, text.encode()))}"


def read_receipt(text: str, server: Jwk) -> Mapping[str, Any]:
    """The claims of a receipt that this server signed.

    Raises:
        ValueError: it did not, or it is no receipt.
    """
    message, _, signature = text.strip().rpartition(".")
    if not _signed_by(server, message.encode(), uncoded(signature)):
        raise ValueError("not signed by this server")
    head, _, payload = message.partition(".")
    if json.loads(uncoded(head)).get("alg") != "ES256":
        raise ValueError("not an ES256 signature")
    claims: Mapping[str, Any] = json.loads(uncoded(payload))
    return claims
