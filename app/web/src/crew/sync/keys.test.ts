import { expect, test } from 'vitest'
import { base64url, makeKey, publicJwk, sha256Hex, sign, uuid7 } from './keys'

test('the tablet signs with a key that it cannot give away', async () => {
  const key = await makeKey()
  await expect(crypto.subtle.exportKey('jwk', key.privateKey)).rejects.toThrow()
  expect(Object.keys(await publicJwk(key)).sort()).toEqual(['crv', 'kty', 'x', 'y'])
  const signature = await sign(key, 'device.token.nonce')
  expect(signature).toMatch(/^[\w-]{86}$/)
  const raw = Uint8Array.from(atob(signature.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
  const good = { name: 'ECDSA', hash: 'SHA-256' }
  expect(await crypto.subtle.verify(good, key.publicKey, raw, new TextEncoder().encode('device.token.nonce'))).toBe(
    true,
  )
  expect(await crypto.subtle.verify(good, key.publicKey, raw, new TextEncoder().encode('device.token.nonsense'))).toBe(
    false,
  )
})

test('a hash is 64 lower-case hexadecimal digits', async () => {
  expect(await sha256Hex(new TextEncoder().encode('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

test('ids are version 7 and sort by time', () => {
  const ids = [1, 2, 3].map((second) => uuid7(Date.UTC(2026, 6, 9) + second * 1000))
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true)
  expect([...ids].sort()).toEqual(ids)
})

test('base64url has neither padding nor signs of its own', () => {
  expect(base64url(new Uint8Array([251, 255, 254]))).toBe('-__-')
})
