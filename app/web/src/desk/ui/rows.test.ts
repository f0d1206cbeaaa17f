// @vitest-environment happy-dom
import { mount } from '@vue/test-utils'
import { expect, test } from 'vitest'
import { defineComponent, h, nextTick, ref, useTemplateRef } from 'vue'
import { rowsInView } from './rows'

const ROW_PX = 50

/** A box of 400 pixels with a list of so many rows in it. */
function given(count: number) {
  const all = ref(Array.from({ length: count }, (_, n) => `row ${n}`))
  const List = defineComponent(() => {
    const { rows, above, below } = rowsInView(all, useTemplateRef<HTMLElement>('list'), ROW_PX)
    return () =>
      h(
        'ul',
        { ref: 'list', 'data-above': above.value, 'data-below': below.value },
        rows.value.map(({ row, at }) => h('li', { key: row, 'data-at': at }, row)),
      )
  })
  const box = mount(
    defineComponent(() => () => h('div', [h(List)])),
    { attachTo: document.body },
  )
  const element = box.element as HTMLElement
  Object.defineProperty(element, 'clientHeight', { value: 400 })
  const shown = () => {
    const list = element.querySelector('ul') as HTMLElement
    const rows = [...list.querySelectorAll('li')].map((row) => Number(row.dataset['at']))
    return {
      first: rows[0],
      last: rows.at(-1),
      above: Number(list.dataset['above']),
      below: Number(list.dataset['below']),
    }
  }
  const scroll = async (top: number) => {
    element.scrollTop = top
    element.dispatchEvent(new Event('scroll'))
    await nextTick()
  }
  return { all, shown, scroll }
}

test('of five thousand rows those in view are drawn, and a few beyond', async () => {
  const { shown, scroll } = given(5000)
  await scroll(0)
  expect(shown()).toEqual({ first: 0, last: 19, above: 0, below: 4980 * ROW_PX })
  await scroll(1000 * ROW_PX)
  expect(shown()).toEqual({ first: 988, last: 1019, above: 988 * ROW_PX, below: 3980 * ROW_PX })
  await scroll(4992 * ROW_PX)
  expect(shown()).toEqual({ first: 4980, last: 4999, above: 4980 * ROW_PX, below: 0 })
})

test('a short list is drawn whole', async () => {
  const { shown, scroll } = given(3)
  await scroll(0)
  expect(shown()).toEqual({ first: 0, last: 2, above: 0, below: 0 })
})

test('a list that grew shorter than where one had scrolled to shows its end', async () => {
  const { all, shown, scroll } = given(5000)
  await scroll(4000 * ROW_PX)
  all.value = all.value.slice(0, 40)
  await nextTick()
  expect(shown().last).toBe(39)
})
