/** Fields of an op over a document: `a` is a member, `a.b` a member of the object in `a`. */

import type { Doc, Fields, Json } from './protocol'

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withField(doc: Doc, path: string[], value: Json): Doc {
  const [name, ...rest] = path as [string, ...string[]]
  if (rest.length === 0) return { ...doc, [name]: value }
  const inner = doc[name]
  return { ...doc, [name]: withField(isObject(inner) ? inner : {}, rest, value) }
}

/** A new document with the fields set; the given one is left alone. */
export function applyFields(doc: Doc, fields: Fields): Doc {
  let result = doc
  for (const [name, value] of Object.entries(fields)) result = withField(result, name.split('.'), value)
  return result
}

/** The value at a field's path, or undefined where there is none. */
export function fieldOf(doc: Doc, name: string): Json | undefined {
  let at: Json | undefined = doc
  for (const part of name.split('.')) at = isObject(at) ? at[part] : undefined
  return at
}
