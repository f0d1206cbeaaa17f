import { createRouter, createWebHistory, type Router } from 'vue-router'
import LiveDesk from './screens/dispatch/LiveDesk.vue'
import Login from './screens/Login.vue'
import Shell from './screens/Shell.vue'
import { useSession } from './stores/session'

/** Every screen has an address; what is chosen on the live desk stands in its query. */
export function makeRouter(): Router {
  const router = createRouter({
    history: createWebHistory('/desk/'),
    routes: [
      { path: '/login', name: 'login', component: Login },
      {
        path: '/',
        component: Shell,
        children: [
          // Mounted with its frame: a key pressed while a chunk was still on its way would be lost.
          { path: '', name: 'live', component: LiveDesk },
          { path: 'board', name: 'board', component: () => import('./screens/Board.vue') },
          { path: 'plan', name: 'plan', component: () => import('./screens/Plan.vue') },
          { path: 'deadlines', name: 'deadlines', component: () => import('./screens/Deadlines.vue') },
          { path: 'conflicts', name: 'conflicts', component: () => import('./screens/Conflicts.vue') },
          { path: 'fleet', name: 'fleet', component: () => import('./screens/Fleet.vue') },
          { path: 'reliability', name: 'reliability', component: () => import('./screens/Reliability.vue') },
          { path: 'regions', name: 'regions', component: () => import('./screens/Regions.vue') },
          { path: 'gis', name: 'gis', component: () => import('./screens/Gis.vue') },
          { path: 'tablets', name: 'tablets', component: () => import('./screens/admin/Tablets.vue') },
        ],
      },
      { path: '/:rest(.*)*', redirect: '/' },
    ],
  })

  router.beforeEach(async (to) => {
    const session = useSession()
    if (to.name === 'login' || session.me) return true
    // A server that does not answer is told on the login page, not by an empty one.
    const resumed = await session.resume().catch(() => false)
    return resumed || { name: 'login', query: to.fullPath === '/' ? {} : { then: to.fullPath } }
  })
  return router
}
