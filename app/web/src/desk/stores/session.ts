import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { ApiProblem } from '@shared/api/problem'
import * as api from '../api'
import type { Branch, Me } from '../types'

/** Who sits at this console. */
export const useSession = defineStore('session', () => {
  const me = shallowRef<Me | null>(null)
  /** How far this machine's clock is behind the server's, in milliseconds: ages are counted on the server's clock. */
  const clockOffsetMs = shallowRef(0)

  /** Which of the reader's branches the map looks at; lists always hold all of them. */
  const branchId = shallowRef<string | null>(null)
  const branch = computed<Branch | null>(
    () => me.value?.branches.find(({ id }) => id === branchId.value) ?? me.value?.branches[0] ?? null,
  )
  /** Every time on screen is that of the branch being looked at, wherever the console stands. */
  const timeZone = computed(() => branch.value?.timezone ?? 'Asia/Shanghai')

  function welcome(someone: Me): void {
    me.value = someone
    clockOffsetMs.value = new Date(someone.server_time).getTime() - Date.now()
  }

  /** True when the browser's cookie still opens the door. */
  async function resume(): Promise<boolean> {
    try {
      welcome(await api.whoAmI())
      return true
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) return false
      throw error
    }
  }

  async function logIn(login: string, password: string): Promise<void> {
    welcome(await api.logIn(login, password))
  }

  /** The login is over: whoever shows screens leads to the login page. */
  function forget(): void {
    me.value = null
  }

  async function logOut(): Promise<void> {
    await api.logOut()
    forget()
  }

  const may = (permission: string): boolean => me.value?.permissions.includes(permission) ?? false
  const serverNow = (): Date => new Date(Date.now() + clockOffsetMs.value)

  return { me, branch, branchId, timeZone, resume, logIn, logOut, forget, may, serverNow }
})
