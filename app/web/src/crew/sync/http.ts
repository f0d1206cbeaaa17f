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
 * @throws Fault: `offline` no answer, `auth` 401, `busy` 429 and 5xx, `refused` any other refusal.
 */
export async function post<T>(path: string, body: unknown, token?: string): Promise<T> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json', 'Accept-Language': language }
  if (token !== undefined) headers['Authorization'] = `Bearer ${token}`
  const response = await send(path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw await faultOf(response)
  return (await response.json().catch(() => Promise.reject(new Fault('busy', { code: 'not_json' })))) as T
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (error) {
    throw new Fault('offline', { code: 'no_answer', detail: String(error) })
  }
}

async function faultOf(response: Response): Promise<Fault> {
  const body = (await response.json().catch(() => null)) as Problem | null
  const problem: Problem = body ?? { code: `http_${response.status}`, title: `HTTP ${response.status}` }
  return faultFor(response.status, problem, response.headers.get('Retry-After'))
}

/** What a refusal means for a queue that must not lose anything. */
export function faultFor(status: number, problem: Problem, retryAfter: string | null = null): Fault {
  const seconds = Number(retryAfter)
  const wait = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null
  if (status === 401) return new Fault('auth', problem, wait)
  if (status === 429 || status === 408 || status >= 500) return new Fault('busy', problem, wait)
  return new Fault('refused', problem, wait)
}
