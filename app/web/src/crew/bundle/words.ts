/** The words of this part of the app come with it: the start needs none of them. */

import type { Problem } from '@sync/protocol'
import { words } from '../i18n'
import { problemWords, type Translate } from '../words'
import en from './i18n/en.json'
import zhCN from './i18n/zh-CN.json'

words.global.mergeLocaleMessage('zh-CN', zhCN)
words.global.mergeLocaleMessage('en', en)

/** Why a sealed file was not taken. */
export function refusalWords(problem: Problem, t: Translate): string {
  const code = problem.code ?? ''
  return code in zhCN.carry.problem ? t(`carry.problem.${code}`) : problemWords(problem, t)
}
