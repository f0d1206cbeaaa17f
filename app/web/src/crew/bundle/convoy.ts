/** After each round with the centre: its keys are fetched, and what is carried goes along. */

import type { ServerKeys } from './seal'
import { browserLocks } from '../sync/platform'
import { ask } from '../sync/http'
import type { Session } from '../sync/session'
import type { SettingsStore } from '../db/settings'
import { bring } from './carried'

const KEYS_GOOD_MS = 24 * 3_600_000

export async function afterRound(session: Session, settings: SettingsStore): Promise<void> {
  await learnKeys(session, settings)
  await bring(session, browserLocks())
}

/** The server's keys (SPEC V3), asked once a day. Throws Fault. */
export async function learnKeys(session: Session, settings: SettingsStore): Promise<void> {
  const known = await settings.get('server_keys')
  if (known !== null && Date.now() - known.at < KEYS_GOOD_MS && Date.now() >= known.at) return
  const keys = await ask<ServerKeys>('/sync/v1/keys', { method: 'GET' }, await session.token())
  await settings.set('server_keys', { ...keys, at: Date.now() })
}
