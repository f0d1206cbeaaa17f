import { settings } from './services'

/** Theme and hand of this tablet, on the page's root so that the style sheet alone decides what they mean. */
export async function applyLook(): Promise<void> {
  const root = document.documentElement
  const [theme, leftHanded] = await Promise.all([settings.get('theme'), settings.get('left_handed')])
  root.dataset['theme'] = theme ?? 'sun'
  root.dataset['hand'] = leftHanded ? 'left' : 'right'
}
