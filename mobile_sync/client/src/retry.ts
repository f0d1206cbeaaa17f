/** When to try again: a wake-up that is always armed, because a queue that sleeps after one failure loses a day's work. */

import type { Clock } from './world'

export interface RetryRules {
  /** Milliseconds between rounds when all is well. */
  steady: number
  /** First wait after a failure; doubled each time up to `longest`. */
  first: number
  longest: number
}

/** SPEC W10. */
export const FIELD_RETRY: RetryRules = { steady: 60_000, first: 1_000, longest: 300_000 }

export class Retry {
  private failures = 0
  private cancel: (() => void) | null = null
  /** Wall time of the next try, for the screen. */
  next_at: number | null = null

  constructor(
    private readonly clock: Clock,
    private readonly rules: RetryRules,
    private readonly wake: () => void,
    /** 0 ≤ value < 1: spreads devices that lost the same link. */
    private readonly spread: () => number,
  ) {}

  succeeded(): void {
    this.failures = 0
    this.arm(this.rules.steady)
  }

  failed(retryAfter: number | null): void {
    const wait = Math.min(this.rules.longest, this.rules.first * 2 ** this.failures)
    this.failures += 1
    this.arm(Math.max(retryAfter ?? 0, wait * (0.75 + this.spread() / 2)))
  }

  stop(): void {
    this.cancel?.()
    this.cancel = null
    this.next_at = null
  }

  private arm(ms: number): void {
    this.cancel?.()
    this.next_at = this.clock.now() + ms
    this.cancel = this.clock.after(ms, this.wake)
  }
}
