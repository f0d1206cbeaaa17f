/** Everything outside that the engine touches, passed in: clock, lock, transport, uploader. */

import type { BlobCheckResponse, Problem, PullRequest, PullResponse, PushRequest, PushResponse } from './protocol'
import type { FileRow } from './store'

export interface Clock {
  /** Wall time in milliseconds; evidence only, never used for order. */
  now(): number
  /** Milliseconds since some start of this process; never goes back. */
  monotonic(): number
  /** Call `wake` after `ms`; the answer cancels it. */
  after(ms: number, wake: () => void): () => void
}

export interface Locks {
  /** Run `work` while holding the named lock for all tabs and workers, or return null at once where it is held. */
  only<T>(name: string, work: () => Promise<T>): Promise<T | null>
  /** Resolves when whoever holds the named lock now has let go of it, by ending its work or its life. */
  freed(name: string): Promise<void>
}

/**
 * Why a round did not do its work. `offline`: no answer, or not from our server; `auth`: sign in again; `busy`: later;
 * `refused`: never so; `full`: this device has no room to write down what came of it.
 */
export type FaultKind = 'offline' | 'auth' | 'busy' | 'refused' | 'full'

export class Fault extends Error {
  constructor(
    readonly kind: FaultKind,
    readonly problem: Problem = {},
    /** Milliseconds the server asked us to wait. */
    readonly retryAfter: number | null = null,
  ) {
    super(problem.title ?? problem.code ?? kind)
  }
}

/** Requests as plain calls. Each throws `Fault` and nothing else for what the network or the server did. */
export interface Transport {
  push(body: PushRequest): Promise<PushResponse>
  pull(body: PullRequest): Promise<PullResponse>
  /** A pull to its end: `take` gets each page as it arrives, and the next one when it is done with it (SPEC L13). */
  snapshot?(body: PullRequest, take: (page: PullResponse) => Promise<void>): Promise<void>
  checkBlobs(hashes: string[]): Promise<BlobCheckResponse>
}

/** What the system says of link and battery; null: nothing. */
export interface Conditions {
  link: 'good' | 'weak' | null
  /** `low`: and not being charged. */
  battery: 'low' | 'fine' | null
}

export interface Uploader {
  /**
   * Send the rest of a file, resuming at `offset`. `sent` is told the bytes the server has taken so far; where it answers
   * false the upload ends behind the chunk that is under way, and is resumed another time.
   */
  upload(
    file: FileRow,
    bytes: unknown,
    at: { url: string | null; offset: number },
    sent: (n: number) => boolean,
  ): Promise<void>
}
