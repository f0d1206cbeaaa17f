import type { Jwk } from '@sync/bundle'
import type { Difference } from '@sync/proof'
import type { Report } from '@sync/protocol'
import type { CrewDatabase } from './database'

export interface PersonInfo {
  id: string
  name: string
  name_en?: string | null
  locale?: string | null
}

export interface CrewInfo {
  id: string
  code: string
  name_zh: string
  name_en: string
}

export interface DeviceInfo {
  device_id: string
  name: string
  person: PersonInfo
  crew: CrewInfo | null
}

export interface Tokens {
  access_token: string
  /** Device time in milliseconds when the access token ends. */
  access_until: number
  refresh_token: string
}

/** On shift: positions are sent while the page is visible. */
export interface Shift {
  started_at: number
}

/** How the last day before this one compared with what the centre counts of it. */
export interface Proof {
  day: string
  /** Device time in milliseconds when it was compared. */
  at: number
  /** Records that the centre has, without positions. */
  records: number
  /** Files that the centre has, by kind. */
  files: Record<string, number>
  /** What is still here alone. */
  waiting: { records: number; files: number }
  differences: Difference[]
  report: NonNullable<Report['proof']>
}

/** The server's public keys (SPEC V3), as of when. */
export interface KnownKeys {
  seal: Jwk
  sign: Jwk
  at: number
}

export type Theme = 'sun' | 'night'

interface Settings {
  device: DeviceInfo
  key: CryptoKeyPair
  tokens: Tokens
  server_keys: KnownKeys
  shift: Shift
  proof: Proof
  theme: Theme
  left_handed: boolean
  in_page_camera: boolean
}

/** Typed access to what the tablet knows about itself. */
export class SettingsStore {
  constructor(private readonly db: CrewDatabase) {}

  async get<Key extends keyof Settings>(key: Key): Promise<Settings[Key] | null> {
    return ((await this.db.settings.get(key))?.value as Settings[Key] | undefined) ?? null
  }

  async set<Key extends keyof Settings>(key: Key, value: Settings[Key]): Promise<void> {
    await this.db.settings.put({ key, value })
  }

  async remove(key: keyof Settings): Promise<void> {
    await this.db.settings.delete(key)
  }
}
