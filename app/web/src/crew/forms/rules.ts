/** What a finished checklist must hold: the same rule as the server's `jobs.rules.missing`. */

import type { Answer } from '../types'

export type Words = Record<'zh-CN' | 'en', string>

export interface Question {
  type: 'string' | 'number' | 'integer' | 'boolean'
  const?: unknown
  /** Who wins where two answer differently; `never`: safety hangs on it, only a person decides. */
  'x-policy'?: string
  enum?: string[]
  minimum?: number
  maximum?: number
  maxLength?: number
  'x-title': Words
  'x-ui': {
    widget: 'toggle' | 'choice' | 'number' | 'text'
    order: number
    unit?: string
    options?: { value: string; title: Words }[]
  }
}

export interface Slot {
  slot: string
  required: boolean
  title: Words
  hint?: Words
}

export interface FormDocument {
  code: string
  version: number
  title: Words
  schema: { properties: Record<string, Question> }
  required: string[]
  photo_slots: Slot[]
  signature_slots: Slot[]
}

export interface Filled {
  kind: 'photo' | 'signature'
  slot: string
}

/** Names of required answers, photos and signatures that are not there: `answers.cause`, `photos.before`. */
export function missing(form: FormDocument, answers: Record<string, Answer>, filled: readonly Filled[]): string[] {
  const has = (kind: Filled['kind'], slot: string): boolean =>
    filled.some((one) => one.kind === kind && one.slot === slot)
  const empty = (item: string): boolean => answers[item] === undefined || answers[item] === null || answers[item] === ''
  return [
    ...form.required.filter(empty).map((item) => `answers.${item}`),
    ...form.photo_slots.filter((one) => one.required && !has('photo', one.slot)).map((one) => `photos.${one.slot}`),
    ...form.signature_slots
      .filter((one) => one.required && !has('signature', one.slot))
      .map((one) => `signatures.${one.slot}`),
  ]
}

/** Questions in the order of the form. */
export function questions(form: FormDocument): [string, Question][] {
  return Object.entries(form.schema.properties).sort(([, a], [, b]) => a['x-ui'].order - b['x-ui'].order)
}

/** Typed letter by letter, not chosen with one tap. */
export function isTyped(question: Question): boolean {
  return ['number', 'text'].includes(question['x-ui'].widget)
}

/** What was typed, as the answer it is. */
export function answerOf(question: Question, text: string): Answer {
  if (text.trim() === '') return null
  return question['x-ui'].widget === 'number' ? Number(text) : text
}

export interface Complaint {
  code: 'minimum' | 'maximum' | 'max_length' | 'must_be_yes' | 'not_a_number'
  limit: number
}

/** Why an answer would be refused, as the form's schema says; null when it is good. */
export function complaint(question: Question, value: Answer): Complaint | null {
  if (value === null || value === '') return null
  if (question.const === true && value !== true) return { code: 'must_be_yes', limit: 0 }
  if (question.type === 'number' || question.type === 'integer') return numberComplaint(question, Number(value))
  const { maxLength } = question
  const long = typeof value === 'string' && maxLength !== undefined && [...value].length > maxLength
  return long ? { code: 'max_length', limit: maxLength } : null
}

function numberComplaint(question: Question, value: number): Complaint | null {
  if (!Number.isFinite(value)) return { code: 'not_a_number', limit: 0 }
  if (question.type === 'integer' && !Number.isInteger(value)) return { code: 'not_a_number', limit: 0 }
  if (question.minimum !== undefined && value < question.minimum) return { code: 'minimum', limit: question.minimum }
  if (question.maximum !== undefined && value > question.maximum) return { code: 'maximum', limit: question.maximum }
  return null
}
