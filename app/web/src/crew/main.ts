import './crew.css'
import { createApp } from 'vue'
import { storedLocale } from '@shared/i18n/locale'
import App from './App.vue'
import { switchTo, words } from './i18n'
import { watchForUpdates } from './install'
import { applyLook } from './look'
import { keepPosition } from './position'
import { makeRouter } from './router'
import { settings, sync } from './services'
import { flushOnEveryOccasion } from './triggers'

const router = makeRouter()
void switchTo(storedLocale()).then(() => createApp(App).use(words).use(router).mount('#app'))

void applyLook()
flushOnEveryOccasion(sync)
keepPosition()
watchForUpdates(router)
void settings.get('device').then((device) => {
  if (device !== null) sync.start()
})
