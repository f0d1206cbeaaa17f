import type { BlobCheckResponse, ProofResponse, PullResponse, PushResponse } from '@sync/protocol'
import { Fault, type Transport } from '@sync/world'
import { get, post } from './http'
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
    push: (body) => call<PushResponse>('/sync/v1/push', body),
    pull: (body) => call<PullResponse>('/sync/v1/pull', body),
    checkBlobs: (hashes) => call<BlobCheckResponse>('/sync/v1/blobs/check', { hashes }),
  }
}
