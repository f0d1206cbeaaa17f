/** Handing a file out of the browser. */

/** Longer than any browser takes to begin a download, in milliseconds. */
const HELD_MS = 60_000

export function save(file: File): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = file.name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), HELD_MS)
}

export function sharable(file: File): boolean {
  return navigator.canShare?.({ files: [file] }) ?? false
}

/** By whatever the system offers: Bluetooth, a share nearby, a memory card. A person who thinks better of it is no error. */
export async function share(file: File): Promise<void> {
  try {
    await navigator.share({ files: [file] })
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'AbortError') throw error
  }
}
