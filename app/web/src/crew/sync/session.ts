import { Fault } from '@sync/world'
import type { CrewInfo, DeviceInfo, PersonInfo, SettingsStore, Tokens } from '../db/settings'
import { post } from './http'
import { makeKey, nonce, publicJwk, sign } from './keys'

interface SessionAnswer {
  device_id?: string
  access_token: string
  access_expires_in: number
  refresh_token: string
  person: PersonInfo
  crew: CrewInfo | null
}

export interface Credentials {
  login: string
  password: string
}

/** An access token this close to its end is renewed before it is used, in milliseconds. */
const EARLY_MS = 30_000

/** Who this tablet is and who is signed in. Nothing here touches the outbox: signing in again never loses work. */
export class Session {
  private renewing: Promise<string> | null = null

  constructor(
    private readonly settings: SettingsStore,
    private readonly onChange: (device: DeviceInfo) => void = () => undefined,
  ) {}

  /** Make this tablet known. The key is kept before the request, so that a lost answer can be asked for again. */
  async enrol(who: Credentials, code: string, name: string): Promise<DeviceInfo> {
    const key = (await this.settings.get('key')) ?? (await makeKey())
    await this.settings.set('key', key)
    const answer = await post<SessionAnswer>('/sync/v1/enrol', { ...who, code, name, public_key: await publicJwk(key) })
    return this.keep(answer, answer.device_id ?? '', name)
  }

  /** Another person, or the same one again, on a tablet that is known already. */
  async signIn(who: Credentials): Promise<DeviceInfo> {
    const device = await this.device()
    const once = nonce()
    const signature = await this.sign(`${device.device_id}.${who.login}.${once}`)
    const body = { device_id: device.device_id, ...who, nonce: once, signature }
    return this.keep(await post<SessionAnswer>('/sync/v1/session/login', body), device.device_id, device.name)
  }

  /** A token that is good now; renewed by the device's key where it is not. */
  async token(): Promise<string> {
    const tokens = await this.settings.get('tokens')
    if (tokens !== null && tokens.access_until - EARLY_MS > Date.now()) return tokens.access_token
    return this.renew()
  }

  /** The next tokens. Two callers share one renewal; a lost answer is given again to the same key. */
  renew(): Promise<string> {
    this.renewing ??= this.renewOnce().finally(() => {
      this.renewing = null
    })
    return this.renewing
  }

  private async renewOnce(): Promise<string> {
    const tokens = await this.settings.get('tokens')
    if (tokens === null) throw new Fault('auth', { code: 'signed_out' })
    const { device_id, name } = await this.device()
    const once = nonce()
    const answer = await post<SessionAnswer>('/sync/v1/session', {
      device_id,
      refresh_token: tokens.refresh_token,
      signed_at: new Date().toISOString(),
      nonce: once,
      signature: await this.sign(`${device_id}.${tokens.refresh_token}.${once}`),
    }).catch((error: unknown) => this.endedBy(error))
    await this.keep(answer, device_id, name)
    return answer.access_token
  }

  /** Whatever a renewal was refused for, the cure is to sign in; the work on the tablet stays. */
  private async endedBy(error: unknown): Promise<never> {
    const ended = error instanceof Fault && (error.kind === 'refused' || error.kind === 'auth')
    if (!ended) throw error
    await this.settings.remove('tokens')
    throw new Fault('auth', error.problem)
  }

  private async device(): Promise<DeviceInfo> {
    const device = await this.settings.get('device')
    if (device === null) throw new Fault('auth', { code: 'not_enrolled' })
    return device
  }

  private async sign(text: string): Promise<string> {
    const key = await this.settings.get('key')
    if (key === null) throw new Fault('auth', { code: 'not_enrolled' })
    return sign(key, text)
  }

  private async keep(answer: SessionAnswer, device_id: string, name: string): Promise<DeviceInfo> {
    const before = await this.settings.get('device')
    const device: DeviceInfo = {
      device_id,
      name,
      person: answer.person ?? before?.person,
      crew: answer.crew === undefined ? (before?.crew ?? null) : answer.crew,
    }
    const tokens: Tokens = {
      access_token: answer.access_token,
      access_until: Date.now() + answer.access_expires_in * 1000,
      refresh_token: answer.refresh_token,
    }
    await this.settings.set('tokens', tokens)
    await this.settings.set('device', device)
    this.onChange(device)
    return device
  }
}
