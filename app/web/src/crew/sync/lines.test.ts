import { describe, expect, test } from 'vitest'
import type { Fault } from '@sync/world'
import { linesOf, readLine } from './lines'

const TEXT = '{"地":"龙衡街道"}\n{"n":2}\n{"n":3}\n'

/** The text in pieces of so many bytes, ending after `upTo` of them. */
function streamOf(text: string, size: number, upTo = Infinity): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text).slice(0, upTo)
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
      controller.close()
    },
  })
}

async function read(
  stream: ReadableStream<Uint8Array>,
  silenceMs?: number,
): Promise<{ lines: string[]; fault?: Fault }> {
  const lines: string[] = []
  try {
    for await (const line of linesOf(stream, silenceMs)) {
      readLine(line)
      lines.push(line)
    }
    return { lines }
  } catch (fault) {
    return { lines, fault: fault as Fault }
  }
}

describe('an answer line by line', () => {
  test.each([1, 2, 3, 7, 1000])('is the same in pieces of %i bytes, also within a character', async (size) => {
    expect(await read(streamOf(TEXT, size))).toEqual({ lines: TEXT.trim().split('\n') })
  })

  test('gives what is whole where it is cut, and says that it was', async () => {
    const { lines, fault } = await read(streamOf(TEXT, 4, new TextEncoder().encode(TEXT).length - 3))
    expect(lines).toEqual(['{"地":"龙衡街道"}', '{"n":2}'])
    expect(fault?.kind).toBe('offline')
  })

  test('may want the end of its last line', async () => {
    expect(await read(streamOf(TEXT.trim(), 5))).toEqual({ lines: TEXT.trim().split('\n') })
  })

  test('that ends before its first line is no answer', async () => {
    expect((await read(streamOf('', 1))).fault?.kind).toBe('offline')
  })

  test('that falls silent is given up', async () => {
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('{"n":1}\n{"n"')),
    })
    const { lines, fault } = await read(stream, 1)
    expect(lines).toEqual(['{"n":1}'])
    expect(fault?.kind).toBe('offline')
  })
})
