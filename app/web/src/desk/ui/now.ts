import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import { useSession } from '../stores/session'

/** The server's time, ticking; ages on screen follow it. */
export function useNow(everyMs = 5000): Readonly<ShallowRef<Date>> {
  const session = useSession()
  const now = shallowRef(session.serverNow())
  const timer = setInterval(() => {
    now.value = session.serverNow()
  }, everyMs)
  onScopeDispose(() => clearInterval(timer))
  return now
}
