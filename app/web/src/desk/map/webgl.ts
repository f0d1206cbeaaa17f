/** Whether a map could not be made for want of WebGL: what stands beside it says the same in words. */
export function isForWantOfWebgl(error: unknown): boolean {
  return /webgl/i.test(String(error))
}
