/** Words of screens that are loaded when they are opened: the start needs none of them. */
import { words } from '../i18n'
import en from './i18n/en.json'
import zhCN from './i18n/zh-CN.json'

words.global.mergeLocaleMessage('zh-CN', zhCN)
words.global.mergeLocaleMessage('en', en)
