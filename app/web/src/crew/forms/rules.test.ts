import { describe, expect, test } from 'vitest'
import { complaint, missing, questions, type FormDocument, type Question } from './rules'

const FORMS = Object.values(
  import.meta.glob<FormDocument>('../../../../../fixtures/forms/*.json', { eager: true, import: 'default' }),
)
const REPAIR = FORMS.find((form) => form.code === 'outage-repair') as FormDocument
const WIDGETS = new Set(['toggle', 'choice', 'number', 'text'])

describe('every published form can be shown', () => {
  test.each(FORMS.map((form) => [form.code, form] as const))('%s', (_, form) => {
    for (const [item, question] of questions(form)) {
      expect(WIDGETS, item).toContain(question['x-ui'].widget)
      expect(question['x-title'].en && question['x-title']['zh-CN'], item).toBeTruthy()
      const offered = question['x-ui'].options?.map((option) => option.value)
      expect(offered, item).toEqual(question.enum)
    }
    expect(form.required.every((item) => item in form.schema.properties)).toBe(true)
  })
})

describe('what is missing', () => {
  test('an empty record lacks every required answer, photo and signature', () => {
    expect(missing(REPAIR, {}, [])).toEqual([
      ...REPAIR.required.map((item) => `answers.${item}`),
      'photos.before',
      'photos.after',
      'signatures.customer',
    ])
  })

  test('no and zero are answers; null and nothing are not', () => {
    const left = missing(REPAIR, { customer_told: false, voltage_v: 0, cause: null, result: '' }, [])
    expect(left).not.toContain('answers.customer_told')
    expect(left).not.toContain('answers.voltage_v')
    expect(left).toContain('answers.cause')
    expect(left).toContain('answers.result')
  })

  test('a signature does not fill a photo’s slot', () => {
    expect(missing(REPAIR, {}, [{ kind: 'signature', slot: 'before' }])).toContain('photos.before')
  })
})

describe('what would be refused', () => {
  const question = (item: string) => REPAIR.schema.properties[item] as Question

  test.each([
    ['voltage_v', 481, 'maximum'],
    ['voltage_v', -1, 'minimum'],
    ['voltage_v', Number.NaN, 'not_a_number'],
    ['risk_checked', false, 'must_be_yes'],
    ['action', 'x'.repeat(1001), 'max_length'],
  ])('%s = %s: %s', (item, value, code) => {
    expect(complaint(question(item), value)?.code).toBe(code)
  })

  test.each([
    ['voltage_v', 0],
    ['voltage_v', 480],
    ['risk_checked', true],
    ['action', '换'.repeat(1000)],
    ['cause', null],
  ])('%s = %s is good', (item, value) => {
    expect(complaint(question(item), value)).toBeNull()
  })
})
