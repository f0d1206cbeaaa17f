import type { DetailedError, UploadOptions } from 'tus-js-client'
import type { FileRow } from '@sync/store'
import { Fault, type Uploader } from '@sync/world'
import { faultFor, problemIn } from './http'
import type { Session } from './session'

const CHUNK_BYTES = 256 * 1024
const WEAK_CHUNK_BYTES = 64 * 1024
/** Without a byte taken or an answer for so long the link is dead, whatever the socket says; milliseconds. */
const STALLED_MS = 60_000
/** Answers after which the same file is simply tried again from what the server holds. */
const AGAIN = new Set([404, 409, 410, 423, 460])

/** Files by tus 1.0. The library is loaded when there is something to send, so it costs the start nothing. */
export function tusUploader(session: Session, isWeak: () => boolean): Uploader {
  return {
    async upload(file, bytes, at, sent) {
      const { Upload } = await import('tus-js-client')
      const begin = (token: string): Promise<void> =>
        new Promise((resolve, reject) => {
          const options: UploadOptions = {
            ...settings(file, at.url, isWeak()),
            headers: { Authorization: `Bearer ${token}` },
            onProgress: (done) => {
              watch.pet()
              sent(done)
            },
            onChunkComplete: (_, taken) => {
              if (sent(taken)) return
              watch.end()
              void upload.abort()
              resolve()
            },
            onSuccess: () => {
              watch.end()
              resolve()
            },
            onError: (error) => {
              watch.end()
              reject(faultOf(error))
            },
          }
          const upload = new Upload(bytes as Blob, options)
          // Text that waits behind this file must not wait for ever.
          const watch = watchdog(STALLED_MS, () => {
            void upload.abort()
            reject(new Fault('offline', { code: 'no_answer' }))
          })
          upload.start()
        })
      await begin(await session.token()).catch(async (fault: unknown) => {
        if (!(fault instanceof Fault) || fault.kind !== 'auth') throw fault
        await begin(await session.renew())
      })
    },
  }
}

function settings(file: FileRow, url: string | null, weak: boolean): UploadOptions {
  return {
    endpoint: '/sync/v1/files',
    ...(url === null ? {} : { uploadUrl: url }),
    chunkSize: weak ? WEAK_CHUNK_BYTES : CHUNK_BYTES,
    metadata: { sha256: file.sha256, mime: file.mime, kind: file.kind },
    // The engine asks the server what it holds and decides when to try again.
    retryDelays: null,
    storeFingerprintForResuming: false,
    removeFingerprintOnSuccess: true,
  }
}

function faultOf(error: Error | DetailedError): Fault {
  const response = 'originalResponse' in error ? error.originalResponse : null
  if (response === null) return new Fault('offline', { code: 'no_answer', detail: error.message })
  const problem = problemIn(response.getBody())
  const again = AGAIN.has(response.getStatus()) || problem?.code === 'hash_mismatch'
  if (again) return new Fault('busy', problem ?? { code: `http_${response.getStatus()}` })
  return faultFor(response.getStatus(), problem, response.getHeader('Retry-After') ?? null)
}

function watchdog(ms: number, bite: () => void): { pet(): void; end(): void } {
  let timer = setTimeout(bite, ms)
  return {
    pet() {
      clearTimeout(timer)
      timer = setTimeout(bite, ms)
    },
    end: () => clearTimeout(timer),
  }
}
