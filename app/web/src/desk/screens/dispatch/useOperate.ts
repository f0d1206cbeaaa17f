import { ref, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { newKey } from '@shared/api/http'
import { ApiProblem } from '@shared/api/problem'
import * as api from '../../api'
import type { Move, Operated, Switchgear } from '../../types'
import { useProblemWords } from '../../ui/problems'
import { toast } from '../../ui/toasts'
import { wordsOf } from './assets'

interface Operating {
  readonly busy: Readonly<Ref<boolean>>
  readonly operate: (link: Switchgear, move: Move, parallel?: boolean) => Promise<void>
  readonly undo: (done: Operated) => Promise<void>
}

/** Notes operations of switches and valves, says what they did, and offers to take them back. */
export function useOperate(done: () => void): Operating {
  const { t } = useI18n()
  const words = useProblemWords()
  const busy = ref(false)

  async function run(write: () => Promise<void>): Promise<void> {
    busy.value = true
    try {
      await write()
      done()
    } catch (error) {
      toast('bad', words.text(error))
    } finally {
      busy.value = false
    }
  }

  const said = ({ link, move, darkened, restored }: Operated): string =>
    [
      `${t(`asset.${link.kind}`)} ${link.code}: ${t(`network.${wordsOf(link.kind)}.done.${move}`)}`,
      darkened ? t('network.darkened', { n: darkened }) : '',
      restored ? t('network.restored', { n: restored }) : '',
    ]
      .filter(Boolean)
      .join(' · ')

  async function undo(one: Operated): Promise<void> {
    await run(async () => {
      toast('good', said(await api.undoOperation(one.id)))
    })
  }

  async function operate(link: Switchgear, move: Move, parallel = false): Promise<void> {
    const key = newKey()
    await run(async () => {
      try {
        const one = await api.operate(link.id, { move, parallel }, key)
        toast('good', said(one), { label: t('network.undo'), run: () => void undo(one) })
      } catch (error) {
        if (!(error instanceof ApiProblem && error.code === 'fed-from-two-sides')) throw error
        toast('bad', words.text(error), { label: t('network.parallel'), run: () => void operate(link, move, true) })
      }
    })
  }

  return { busy, operate, undo }
}
