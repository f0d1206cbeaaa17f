import './crew.css'
import { createApp, watch } from 'vue'
import { storedLocale } from '@shared/i18n/locale'
import App from './App.vue'
import { homeless } from './db/drafts'
import { isFull } from './db/full'
import { switchTo, words } from './i18n'
import { watchForUpdates } from './install'
import { resumeDrafts } from './jobs/resume'
import { say } from './kit/toast'
import { applyLook } from './look'
import { keepPosition } from './position'
import { makeRouter } from './router'
import { session, settings, sync } from './services'
import { firstShown, hold } from './shown'
import { flushOnEveryOccasion, followRounds } from './triggers'

const router = makeRouter()
const app = createApp(App).use(words).use(router)
void switchTo(storedLocale()).then(() => app.mount('#app'))

// Whatever could not be written for want of room says so, wherever it was asked for.
app.config.errorHandler = (error) => {
  if (!isFull(error)) throw error
  say(words.global.t('crew.notKept'), 'bad')
}
addEventListener('unhandledrejection', (event) => {
  if (!isFull(event.reason)) return
  event.preventDefault()
  say(words.global.t('crew.notKept'), 'bad')
})
addEventListener('beforeunload', (event) => {
  if (homeless.value) event.preventDefault()
})
watch(homeless, (now) => {
  if (!now) void resumeDrafts()
})

void applyLook()
flushOnEveryOccasion(sync)
followRounds(sync, {
  done: async () => (await import('./bundle/convoy')).afterRound(session, settings),
  erase: async () => (await import('./erase/begin')).beginErasing(router),
})
watchForUpdates(router)
// By then the screen asks for what it shows.
const begun = hold()
void router.isReady().then(() => setTimeout(begun))
void firstShown
  .then(() => {
    keepPosition()
    return settings.get('device')
  })
  .then((device) => {
    if (device === null) return
    sync.start()
    void resumeDrafts()
  })
