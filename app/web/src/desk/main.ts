import './theme.css'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { createWords, storedLocale } from '@shared/i18n'
import { speak } from '@shared/api/http'
import App from './App.vue'
import en from './i18n/en.json'
import zhCN from './i18n/zh-CN.json'
import { makeRouter } from './router'

const locale = storedLocale()
document.documentElement.lang = locale
speak(locale)

createApp(App)
  .use(createPinia())
  .use(createWords({ 'zh-CN': zhCN, en }, locale))
  .use(makeRouter())
  .mount('#app')
