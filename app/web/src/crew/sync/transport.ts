import type { BlobCheckResponse, PullResponse, PushResponse } from '@sync/protocol'
import { Fault, type Transport } from '@sync/world'
import { post } from './http'
import type { Session } from './session'

/** The engine's requests over fetch. A 401 renews the tokens once and repeats. */
export function httpTransport(session: Session): Transport {
  const call = async <T>(path: string, body: unknown): Promise<T> => {
    try {
      return await post<T>(path, body, await session.token())
    } catch (error) {
      if (!(error instanceof Fault) || error.kind !== 'auth' || error.problem.code === 'not_enrolled') throw error
      return post<T>(path, body, await session.renew())
    }
  }
  return {
    push: (body) => call<PushResponse>('/sync/v1/push', body),
    pull: (body) => call<PullResponse>('/sync/v1/pull', body),
    checkBlobs: (hashes) => call<BlobCheckResponse>('/sync/v1/blobs/check', { hashes }),
  }
}
