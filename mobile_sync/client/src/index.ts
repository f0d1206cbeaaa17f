/** The engine's public face. */

export * from './client'
export * from './fields'
export * from './files'
export * from './outbox'
export * from './overlay'
export * from './protocol'
export * from './status'
export * from './store'
export * from './verify'
export * from './world'
export { FIELD_RETRY } from './retry'
