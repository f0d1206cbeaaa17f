import { Fault } from '@sync/world'
import { answered } from './http'

/** A stream may take long; it may not be silent for longer than this, in milliseconds. */
const SILENCE_MS = 30_000

/**
 * One JSON request that is answered line by line; `take` gets each line as soon as it is whole, one after the other.
 *
 * @throws Fault as `post` does; `offline` also where the stream is cut: the lines before it are good.
 */
export async function postForLines<T>(
  path: string,
  body: unknown,
  token: string,
  take: (line: T) => Promise<void>,
): Promise<void> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), SILENCE_MS)
  const headers = { 'Content-Type': 'application/json' }
  const request = { method: 'POST', headers, body: JSON.stringify(body), signal: patience.signal }
  const response = await answered(path, request, token).finally(() => clearTimeout(timer))
  if (response.body === null) throw cut('empty')
  for await (const line of linesOf(response.body)) await take(readLine<T>(line))
}

/** The lines of UTF-8 text, however it is cut into pieces on its way; an empty answer is one empty line. */
export async function* linesOf(body: ReadableStream<Uint8Array>, silenceMs = SILENCE_MS): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let begun = false
  try {
    for (;;) {
      const { done, value } = await within(silenceMs, reader.read())
      if (done) break
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      begun ||= lines.length > 0
      yield* lines
    }
    // The last line may want its end; one that was cut off cannot be read.
    if (rest !== '' || !begun) yield rest
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

async function within<T>(ms: number, reading: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(cut('silence')), ms)
  })
  try {
    return await Promise.race([reading, silence])
  } catch (error) {
    throw error instanceof Fault ? error : cut(String(error))
  } finally {
    clearTimeout(timer)
  }
}

/** @throws Fault `offline`: the line was cut. */
export function readLine<T>(line: string): T {
  try {
    return JSON.parse(line) as T
  } catch {
    throw cut('within a line')
  }
}

function cut(detail: string): Fault {
  return new Fault('offline', { code: 'no_answer', detail })
}
