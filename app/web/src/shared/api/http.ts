import { problemOf, Unreachable } from './problem'

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly body?: unknown
  /** The body is a file of this type and sent as it is; else it is JSON. */
  readonly mime?: string
  /** The revision the change was made on; sent as If-Match. */
  readonly rev?: number
  /** A repeat of a write must carry the key of the first try, so the caller may hold one. */
  readonly idempotencyKey?: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly signal?: AbortSignal
}

const TIMEOUT_MS = 20_000

let language = 'zh-CN'

/** Problems come back in this language. */
export function speak(locale: string): void {
  language = locale
}

/** `crypto.randomUUID` is missing on plain http, so the key is drawn from `getRandomValues`. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * One request to our own server, same origin, with the session cookie.
 *
 * @throws ApiProblem the server refused, in words; Unreachable no answer came.
 */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const method = options.method ?? 'GET'
  const response = await send(path + queryString(options.query), {
    method,
    headers: headersOf(method, options),
    credentials: 'same-origin',
    body: bodyOf(options),
    signal: options.signal ?? AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!response.ok) throw await problemOf(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

function bodyOf({ body, mime }: RequestOptions): Blob | string | null {
  if (body === undefined) return null
  return mime === undefined ? JSON.stringify(body) : (body as Blob)
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted && (init.signal.reason as Error).name === 'AbortError') throw error
    throw new Unreachable(url, { cause: error })
  }
}

function headersOf(method: string, options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language }
  if (options.body !== undefined) headers['Content-Type'] = options.mime ?? 'application/json'
  if (method !== 'GET') headers['Idempotency-Key'] = options.idempotencyKey ?? newKey()
  if (options.rev !== undefined) headers['If-Match'] = `"${options.rev}"`
  return headers
}

function queryString(query: RequestOptions['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '')
  return pairs.length ? `?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()}` : ''
}
