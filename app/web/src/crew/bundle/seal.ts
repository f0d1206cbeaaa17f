/** What a bundle asks of cryptography, by the browser's own (SPEC V2, V8). */

import type { Jwk, Receipt, SealKit } from '@sync/bundle'
import { base64url, sha256Hex } from '../sync/keys'

/** What bundles are sealed to, and what receipts are signed with. */
export interface ServerKeys {
  seal: Jwk
  sign: Jwk
}

type Bytes = Uint8Array<ArrayBuffer>

const CURVE = { namedCurve: 'P-256' } as const
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const
const INFO = utf8('mobile-sync bundle 1')

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes
}

export async function sha256(bytes: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Bytes))
}

/** RFC 7638. */
export async function thumbprint({ crv, kty, x, y }: Jwk): Promise<string> {
  return base64url(await sha256(utf8(JSON.stringify({ crv, kty, x, y }))))
}

/** Sealing to the server, signed by the tablet's key. */
export function sealKit(device: CryptoKeyPair, server: Jwk): SealKit {
  return {
    utf8,
    sha256: (bytes) => sha256Hex(bytes as Bytes),
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign(SIGNING, device.privateKey, bytes as Bytes)),
    agree: () => agree(server),
  }
}

async function agree(server: Jwk): ReturnType<SealKit['agree']> {
  const ecdh = { name: 'ECDH', ...CURVE }
  const own = await crypto.subtle.generateKey(ecdh, false, ['deriveBits'])
  const theirs = await crypto.subtle.importKey('jwk', { ...server }, ecdh, false, [])
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', own.publicKey)
  const shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: theirs }, own.privateKey, 256)
  return {
    key: { kty, crv, x, y } as Jwk,
    cipher: async (opening) => {
      const key = await bundleKey(shared, opening, 'encrypt')
      return async (nonce, plain) =>
        new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce as Bytes }, key, plain as Bytes))
    },
  }
}

/** The AES key of one bundle, bound to every byte before its signature. */
export async function bundleKey(
  shared: ArrayBuffer,
  opening: Uint8Array,
  use: 'encrypt' | 'decrypt',
): Promise<CryptoKey> {
  const secret = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveKey'])
  const how = { name: 'HKDF', hash: 'SHA-256', salt: await sha256(opening), info: INFO }
  return crypto.subtle.deriveKey(how, secret, { name: 'AES-GCM', length: 256 }, false, [use])
}

/** The claims of a receipt that the server of this key signed, else null. */
export async function readReceipt(text: string, server: Jwk): Promise<Receipt | null> {
  const [head, payload, signature, ...more] = text.trim().split('.')
  if (head === undefined || payload === undefined || signature === undefined || more.length > 0) return null
  const key = await crypto.subtle.importKey('jwk', { ...server }, { name: 'ECDSA', ...CURVE }, false, ['verify'])
  try {
    const genuine = await crypto.subtle.verify(SIGNING, key, unBase64url(signature), utf8(`${head}.${payload}`))
    return genuine ? (JSON.parse(new TextDecoder().decode(unBase64url(payload))) as Receipt) : null
  } catch {
    return null
  }
}

function unBase64url(text: string): Bytes {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
}
