/** What large files cost: little of a weak link, nothing of a low battery (SPEC B12, B13). */

import type { FileRow } from './store'
import type { Conditions } from './world'

/** Why a file waits. */
export type Wait = 'battery' | 'link'

/** What waited in the last round, and the first reason for it. */
export interface Waiting {
  why: Wait
  files: number
  bytes: number
}

export interface BudgetRules {
  /** Kinds that never wait. */
  always: readonly string[]
  /** A file of this many bytes or fewer never waits. */
  small: number
  /** Bytes of large files in one round while the link is weak, and what is left of the request that reaches them. */
  weak_bytes: number
}

export const FIELD_BUDGET: BudgetRules = { always: ['signature', 'thumb'], small: 64 * 1024, weak_bytes: 512 * 1024 }

/** Bytes a second below which a measured link is weak: where browsers, too, leave their fastest class. */
const WEAK_RATE = 87_500
/** Fewer bytes than this say nothing about a link. */
const MEASURED_BYTES = 32 * 1024

/** How fast the last file went. Kept from round to round; a link that was never measured is no weak one. */
export class Throughput {
  private rate: number | null = null

  measured(bytes: number, ms: number): void {
    if (bytes >= MEASURED_BYTES) this.rate = (bytes * 1000) / Math.max(1, ms)
  }

  get isWeak(): boolean {
    return this.rate !== null && this.rate < WEAK_RATE
  }
}

/** What one round may send of large files. */
export class Allowance {
  waiting: Waiting | null = null
  private spent = 0

  constructor(
    private readonly rules: BudgetRules,
    private readonly conditions: Conditions,
    /** What requests told of the link; asked only where the system says nothing of it. */
    private readonly isSlow: () => boolean,
    /** The person wants everything sent, whatever it costs. */
    private readonly hurry: boolean,
  ) {}

  get isLinkWeak(): boolean {
    return this.conditions.link === null ? this.isSlow() : this.conditions.link === 'weak'
  }

  isLarge(file: FileRow): boolean {
    return file.size > this.rules.small && !this.rules.always.includes(file.kind)
  }

  allows(file: FileRow): boolean {
    return this.wait(file) === null
  }

  /** True where it must wait; that is noted, with what is left of the file. */
  postpones(file: FileRow, sent: number): boolean {
    const why = this.wait(file)
    if (why === null) return false
    const before = this.waiting ?? { why, files: 0, bytes: 0 }
    this.waiting = { ...before, files: before.files + 1, bytes: before.bytes + file.size - sent }
    return true
  }

  spend(file: FileRow, bytes: number): void {
    if (this.isLarge(file)) this.spent += bytes
  }

  private wait(file: FileRow): Wait | null {
    if (this.hurry || !this.isLarge(file)) return null
    if (this.conditions.battery === 'low') return 'battery'
    return this.isLinkWeak && this.spent >= this.rules.weak_bytes ? 'link' : null
  }
}
