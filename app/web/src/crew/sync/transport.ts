import type { BlobCheckResponse, ProofResponse, PullResponse, PushResponse } from '@sync/protocol'
import { Fault, type Transport } from '@sync/world'
import { get, notOurs, post } from './http'
import type { Session } from './session'

export interface HttpTransport extends Transport {
  /** A day of this device as the centre counts it. */
  proof(day: string): Promise<ProofResponse>
}

/** The engine's requests over fetch. A 401 renews the tokens once and repeats. */
export function httpTransport(session: Session): HttpTransport {
  const signed = async <T>(request: (token: string) => Promise<T>): Promise<T> => {
    try {
      return await request(await session.token())
    } catch (error) {
      if (!(error instanceof Fault) || error.kind !== 'auth' || error.problem.code === 'not_enrolled') throw error
      return request(await session.renew())
    }
  }
  const call = <T>(path: string, body: unknown): Promise<T> => signed((token) => post<T>(path, body, token))
  return {
    proof: (day) => signed((token) => get<ProofResponse>(`/sync/v1/proof?day=${day}`, token)),
    push: async (body) => ours(await call<PushResponse>('/sync/v1/push', body), 'results'),
    pull: async (body) => ours(await call<PullResponse>('/sync/v1/pull', body), 'buckets'),
    snapshot: async (body, take) => {
      // Not needed to start: a tablet that has its work asks for pages.
      const { postForLines } = await import('./lines').catch(() => Promise.reject(notOurs()))
      const keep = (page: PullResponse): Promise<void> => take(ours(page, 'buckets'))
      await signed((token) => postForLines<PullResponse>('/sync/v1/snapshot', body, token, keep))
    },
    checkBlobs: async (hashes) => ours(await call<BlobCheckResponse>('/sync/v1/blobs/check', { hashes }), 'blobs'),
  }
}

/** A 200 with JSON that is no answer to what was asked came from somebody else on the way. */
function ours<T>(answer: T, list: keyof T): T {
  if (!Array.isArray(answer?.[list])) throw notOurs()
  return answer
}
