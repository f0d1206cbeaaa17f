import { useI18n } from 'vue-i18n'
import { ago, span } from '@shared/fmt/time'
import type { FleetTablet } from '../types'

/** Below this a tablet's clock is right as far as a person cares. */
const RIGHT_MS = 5000
const KB = 1e3

export interface FleetWords {
  readonly person: (tablet: FleetTablet) => string
  readonly crew: (tablet: FleetTablet) => string
  /** How long ago, or that it never was. */
  readonly since: (at: string | null, now: Date) => string
  /** `3 条 · 2 个文件 · 4.2 MB`, that nothing waits, or that nobody knows. */
  readonly queue: (tablet: FleetTablet) => string
  readonly clock: (ms: number | null) => string
  readonly bytes: (bytes: number | null) => string
  /** How its last day compared with what the centre counts of it. */
  readonly proof: (tablet: FleetTablet) => string
}

export function useFleetWords(): FleetWords {
  const { t, locale } = useI18n()

  const english = (): boolean => locale.value === 'en'
  const person = (one: FleetTablet): string =>
    (english() ? one.person_name_en : null) ?? one.person_name ?? t('fleet.nobody')

  function crew(one: FleetTablet): string {
    if (one.crew_code === null) return t('fleet.noCrew')
    return `${one.crew_code} ${(english() ? one.crew_name_en : one.crew_name_zh) ?? ''}`
  }

  const since = (at: string | null, now: Date): string => (at === null ? t('fleet.never') : ago(at, now, t))

  function queue(one: FleetTablet): string {
    if (one.queued_ops === null && one.queued_files === null) return t('fleet.unknown')
    const parts: string[] = []
    if (one.queued_ops) parts.push(t('fleet.ops', { n: one.queued_ops }, one.queued_ops))
    if (one.queued_files) parts.push(t('fleet.files', { n: one.queued_files }, one.queued_files))
    if (one.queued_bytes) parts.push(bytes(one.queued_bytes))
    return parts.join(' · ') || t('fleet.nothing')
  }

  function clock(ms: number | null): string {
    if (ms === null) return t('fleet.unknown')
    if (Math.abs(ms) < RIGHT_MS) return t('fleet.clockRight')
    return t(ms > 0 ? 'fleet.clockFast' : 'fleet.clockSlow', { span: span(Math.abs(ms) / 1000, t) })
  }

  function bytes(count: number | null): string {
    if (count === null) return t('fleet.unknown')
    if (count >= KB ** 3) return `${(count / KB ** 3).toFixed(1)} GB`
    return count >= KB ** 2 ? `${(count / KB ** 2).toFixed(1)} MB` : `${Math.ceil(count / KB)} KB`
  }

  function proof({ proof: told }: FleetTablet): string {
    if (told === null) return t('fleet.unknown')
    const same = told.ops_here === told.ops_there && told.files_here === told.files_there
    const { day, ops_here: ops, files_here: files, ops_there: opsThere, files_there: filesThere } = told
    return t(same ? 'fleet.proofHolds' : 'fleet.proofDiffers', { day, ops, files, opsThere, filesThere })
  }

  return { person, crew, since, queue, clock, bytes, proof }
}
