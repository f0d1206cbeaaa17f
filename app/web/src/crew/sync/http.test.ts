import { afterEach, describe, expect, test, vi } from 'vitest'
import { faultFor, post, problemIn } from './http'

const answer = (status: number, body: string): void => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status })))
}
afterEach(() => vi.unstubAllGlobals())

describe('what a tablet makes of an answer', () => {
  test.each([
    [200, '<p>Sign in to use this Wi-Fi', 'offline', 'not_ours'],
    [401, '<p>Sign in to use this Wi-Fi', 'offline', 'not_ours'],
    [403, '{"blocked": true}', 'offline', 'not_ours'],
    [404, '', 'offline', 'not_ours'],
    [502, '<h1>Bad Gateway</h1>', 'busy', 'http_502'],
    [401, '{"code": "sign-in-again"}', 'auth', 'sign-in-again'],
    [403, '{"code": "device_revoked"}', 'refused', 'device_revoked'],
    [503, '{"code": "not-now"}', 'busy', 'not-now'],
  ])('%i %s is %s', async (status, body, kind, code) => {
    answer(status, body)
    await expect(post('/sync/v1/push', {})).rejects.toMatchObject({ kind, problem: { code } })
  })

  test('nobody but our own server refuses: without its words nothing is given up', () => {
    expect(problemIn('null')).toBeNull()
    expect(problemIn('{"code": 7}')).toBeNull()
    expect([400, 403, 404, 413, 422].map((status) => faultFor(status, null).kind)).not.toContain('refused')
    expect(faultFor(503, { code: 'not-now' }, '7').retryAfter).toBe(7000)
  })
})
