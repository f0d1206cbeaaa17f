import { expect, it } from 'vitest'
import { createApp, defineComponent } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { useAddress } from './address'

it('keeps a thing that is chosen while the map moves in the same breath', async () => {
  const page = defineComponent({ render: () => null })
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: page }] })
  const app = createApp(page).use(router)
  await router.push('/?list=all')
  const address = app.runWithContext(() => useAddress())

  address.choose({ kind: 'link', id: '1' })
  address.set({ at: '114.1,22.7,15' })
  await expect.poll(() => router.currentRoute.value.query).toEqual({ list: 'all', link: '1', at: '114.1,22.7,15' })

  address.choose(null)
  await expect.poll(() => address.chosen.value).toBeNull()
})
