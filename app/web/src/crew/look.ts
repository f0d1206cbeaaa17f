import { settings } from './services'

/** Theme and hand of this tablet, on the page's root so that the style sheet alone decides what they mean. */
export async function applyLook(): Promise<void> {
  const root = document.documentElement
  root.dataset['theme'] = (await settings.get('theme')) ?? 'sun'
  root.dataset['hand'] = (await settings.get('left_handed')) ? 'left' : 'right'
}
