import { createRouter, createWebHistory, START_LOCATION, type RouteLocationNormalized, type Router } from 'vue-router'
import { settings } from './services'
import ShiftScreen from './screens/ShiftScreen.vue'

declare module 'vue-router' {
  interface RouteMeta {
    /** Reached before the tablet is enrolled. */
    open?: boolean
    /** Something is being filled in: a new version waits. */
    busy?: boolean
    /** The screen has its own bar at the bottom. */
    ownFoot?: boolean
  }
}

export function makeRouter(): Router {
  const router = createRouter({
    history: createWebHistory('/crew/'),
    // A page that has just begun stands at its top; to ask for it would cost the start a layout.
    scrollBehavior: (_to, from, saved) => saved ?? (from === START_LOCATION ? false : { top: 0 }),
    routes: [
      { path: '/', name: 'shift', component: ShiftScreen },
      { path: '/jobs', name: 'jobs', component: () => import('./screens/JobsScreen.vue') },
      {
        path: '/jobs/:id',
        name: 'job',
        props: true,
        component: () => import('./screens/JobScreen.vue'),
        meta: { ownFoot: true },
      },
      {
        path: '/jobs/:id/form',
        name: 'form',
        props: true,
        component: () => import('./screens/FormScreen.vue'),
        meta: { ownFoot: true, busy: true },
      },
      {
        path: '/jobs/:id/photo/:slot',
        name: 'photo',
        props: true,
        component: () => import('./screens/PhotoScreen.vue'),
        meta: { ownFoot: true, busy: true },
      },
      {
        path: '/jobs/:id/sign/:slot',
        name: 'sign',
        props: true,
        component: () => import('./screens/SignScreen.vue'),
        meta: { ownFoot: true, busy: true },
      },
      { path: '/decide', name: 'decide', component: () => import('./screens/DecideScreen.vue') },
      {
        path: '/decide/:id',
        name: 'decision',
        props: true,
        component: () => import('./screens/DecisionScreen.vue'),
        meta: { ownFoot: true, busy: true },
      },
      { path: '/sync', name: 'sync', component: () => import('./screens/SyncScreen.vue') },
      {
        path: '/settings',
        name: 'settings',
        component: () => import('./screens/SettingsScreen.vue'),
        meta: { open: true },
      },
      { path: '/enrol', name: 'enrol', component: () => import('./screens/EnrolScreen.vue'), meta: { open: true } },
      { path: '/erased', name: 'erased', component: () => import('./erase/ErasedScreen.vue'), meta: { open: true } },
      { path: '/login', name: 'login', component: () => import('./screens/LoginScreen.vue'), meta: { open: true } },
      { path: '/:rest(.*)*', redirect: '/' },
    ],
  })
  router.beforeEach(async (to) => {
    fetchScreen(to)
    if (to.meta.open) return true
    return (await settings.get('device')) === null ? { name: 'enrol' } : true
  })
  return router
}

/** The screen's file comes while the tablet's database opens; one that does not come is the router's to report. */
function fetchScreen(to: RouteLocationNormalized): void {
  for (const { components } of to.matched) {
    const screen = components?.['default']
    if (typeof screen === 'function') (screen as () => Promise<unknown>)().catch(() => undefined)
  }
}
