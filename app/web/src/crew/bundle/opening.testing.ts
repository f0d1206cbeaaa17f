/** What a server does with a bundle, for tests: everything in it, checked to its end (SPEC V2). */

import { bundleKey } from './seal'

export interface Opened {
  header: Record<string, unknown> & { files: { sha256: string; size: number }[]; ops: { size: number } }
  ops: unknown[]
  files: string[]
}

const CHUNK = 256 * 1024

/** @throws where anything in it is not as its device sealed it to the server of this private key. */
export async function opened(raw: Uint8Array, seal: JsonWebKey, device: JsonWebKey): Promise<Opened> {
  const bytes = raw.slice() as Uint8Array<ArrayBuffer>
  const length = new DataView(bytes.buffer).getUint32(8)
  const opening = bytes.slice(0, 12 + length)
  const header = JSON.parse(new TextDecoder().decode(opening.slice(12))) as Opened['header'] & { key: JsonWebKey }
  const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const signer = await crypto.subtle.importKey('jwk', device, signing, false, ['verify'])
  const genuine = await crypto.subtle.verify(signing, signer, bytes.slice(12 + length, 76 + length), opening)
  if (!genuine) throw new Error('not signed by the device')
  const ecdh = { name: 'ECDH', namedCurve: 'P-256' }
  const own = await crypto.subtle.importKey('jwk', seal, ecdh, false, ['deriveBits'])
  const theirs = await crypto.subtle.importKey('jwk', header.key, ecdh, false, [])
  const shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: theirs }, own, 256)
  const key = await bundleKey(shared, opening, 'decrypt')
  const parts: Uint8Array[] = []
  let at = 76 + length
  for (const [which, size] of [header.ops.size, ...header.files.map((file) => file.size)].entries()) {
    const part = new Uint8Array(size)
    for (let chunk = 0; chunk * CHUNK < size; chunk++) {
      const plain = Math.min(CHUNK, size - chunk * CHUNK)
      const iv = new Uint8Array(12)
      new DataView(iv.buffer).setUint32(0, which)
      new DataView(iv.buffer).setUint32(7, chunk)
      iv[11] = (chunk + 1) * CHUNK >= size ? 1 : 0
      const sealed = bytes.slice(at, at + plain + 16)
      part.set(new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed)), chunk * CHUNK)
      at += plain + 16
    }
    parts.push(part)
  }
  if (at !== bytes.length) throw new Error('something stands behind the end')
  const [ops, ...files] = parts.map((part) => new TextDecoder().decode(part))
  return { header, ops: JSON.parse(ops ?? '[]') as unknown[], files }
}
