import type { Problem } from '@sync/protocol'
import { Fault } from '@sync/world'

const TIMEOUT_MS = 30_000

let language = 'zh-CN'

/** Problems come back in this language. */
export function speak(locale: string): void {
  language = locale
}

/**
 * One JSON request to our own server.
 *
 * @throws Fault: `offline` no answer of ours, `auth` 401, `busy` 429 and 5xx, `refused` any other refusal.
 */
export async function post<T>(path: string, body: unknown, token?: string): Promise<T> {
  const request = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  return ask<T>(path, request, token)
}

/** Any other request; `timeout` in milliseconds. Throws as `post`. */
export async function ask<T>(path: string, init: RequestInit, token?: string, timeout = TIMEOUT_MS): Promise<T> {
  const response = await answered(path, { ...init, signal: AbortSignal.timeout(timeout) }, token)
  if (response.status === 204) return undefined as T
  return (await response.json().catch(() => Promise.reject(notOurs()))) as T
}

/** The answer before its body is read. Throws as `post`. */
export async function answered(path: string, init: RequestInit, token?: string): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('Accept-Language', language)
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`)
  const response = await send(path, { ...init, headers })
  if (!response.ok) throw await faultOf(response)
  return response
}

/** The same for reading. */
export function get<T>(path: string, token: string): Promise<T> {
  return ask<T>(path, { method: 'GET', headers: { Accept: 'application/json' } }, token)
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, cache: 'no-store' })
  } catch (error) {
    throw new Fault('offline', { code: 'no_answer', detail: String(error) })
  }
}

async function faultOf(response: Response): Promise<Fault> {
  const problem = problemIn(await response.text())
  const told = problem === null ? null : { ...problem, status: response.status }
  return faultFor(response.status, told, response.headers.get('Retry-After'))
}

/** A refusal in our server's own words; null where somebody else on the way has answered. */
export function problemIn(body: string): Problem | null {
  try {
    const problem = JSON.parse(body) as Problem | null
    return typeof problem?.code === 'string' ? problem : null
  } catch {
    return null
  }
}

/** What a refusal means for a queue that must not lose anything: nobody but our own server signs out or refuses. */
export function faultFor(status: number, problem: Problem | null, retryAfter: string | null = null): Fault {
  const seconds = Number(retryAfter)
  const wait = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null
  if (status === 429 || status === 408 || status >= 500) {
    return new Fault('busy', problem ?? { code: `http_${status}`, title: `HTTP ${status}` }, wait)
  }
  if (problem === null) return notOurs()
  return new Fault(status === 401 ? 'auth' : 'refused', problem, wait)
}

/** The sign-in page of a hotel's network, for one: there is a link, and it does not lead to us. */
export function notOurs(): Fault {
  return new Fault('offline', { code: 'not_ours' })
}
