import { useSession } from '../stores/session'
import type { Conflict } from '../types'
import { isGrave } from './causes'

/** Who may decide what, as the server will say; here so that nobody is offered what would be refused. */
export function useRights(): { mayDecide: (conflict: Conflict) => boolean; mayGive: () => boolean } {
  const session = useSession()
  const mayGive = (): boolean => session.may('dispatch')
  const mayDecide = (conflict: Conflict): boolean =>
    mayGive() ||
    (conflict.assignee_id !== null && conflict.assignee_id === session.me?.id) ||
    (session.may('settle_conflicts') && !isGrave(conflict))
  return { mayDecide, mayGive }
}
