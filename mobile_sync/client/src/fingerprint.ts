/** A short print of a document, kept beside it: what a disk has changed does not fit its print any more. */

import type { Doc } from './protocol'

/** FNV-1a over the UTF-16 units of its JSON: against decay, not against an adversary. */
export function fingerprint(doc: Doc): number {
  const text = JSON.stringify(doc)
  let print = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) print = Math.imul(print ^ text.charCodeAt(at), 0x01000193)
  return print >>> 0
}
