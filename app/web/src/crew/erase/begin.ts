import type { Router } from 'vue-router'
import { CannotSeal } from '../bundle/make'
import '../bundle/words'
import { words } from '../i18n'
import { say } from '../kit/toast'
import { db, session, settings, storage, sync } from '../services'
import { browserLocks } from '../sync/platform'
import { erase } from './erase'
import { told } from './told'

/** Erase this tablet, in one tab only, and say what became of it. Where that is not possible yet, it is said. */
export async function beginErasing(router: Router): Promise<void> {
  // The page that tells of it is here before what it would be loaded from is gone.
  await import('./ErasedScreen.vue')
  await browserLocks().only('crew.erase', async () => {
    try {
      told.value = await erase({ sync, storage, session, settings, db })
    } catch (error) {
      if (!(error instanceof CannotSeal)) throw error
      say(words.global.t('erased.waits'), 'warn')
      return
    }
    await router.replace({ name: 'erased' })
  })
}
