// tfjs's errors in the user's terms: the operator, and the place in the user's text that asked for it.
import { MODULE_FILE } from './module-file.ts'

/** The line of the module in which the error arose, counted from 1, from its stack. */
function lineOf(error: Error): number | undefined {
  const found = new RegExp(`${MODULE_FILE.replace('.', '\\.')}:(\\d+):\\d+`).exec(error.stack ?? '')
  return found === null ? undefined : Number(found[1])
}

/** What the module says about a line: its comment, or the nearest above. */
export function placeOf(source: string, line: number): string | undefined {
  const lines = source.split('\n').slice(0, line)
  for (let i = lines.length - 1; i >= 0; i--) {
    const comment = /(?:^|\s)\/\/ (.+)$/.exec(lines[i])
    if (comment !== null) return comment[1].trim()
  }
  return undefined
}

/** `source`: text of the module that ran. */
export function readableTfjsError(error: unknown, device: string | undefined, source: string | undefined): string {
  if (!(error instanceof Error)) return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)
  const line = lineOf(error)
  const place = line === undefined || source === undefined ? undefined : placeOf(source, line)
  const at = place === undefined ? '' : `${place}: `
  const kernel = /Kernel '(\w+)' not registered for backend '(\w+)'/.exec(error.message)
  if (kernel !== null) return `${at}tfjs on ${device ?? kernel[2]} has no kernel ${kernel[1]}: choose another device (--device tensorflow, webgpu, wasm or cpu) or --engine onnxruntime`
  if (/out of memory|OOM|Array buffer allocation failed|Cannot enlarge memory|memory access out of bounds|bad_alloc|Buffer larger than|Invalid typed array length/i.test(error.message)) return `${at}out of memory: use a smaller batch or image`
  return `${at}${error.message.split('\n')[0]}`
}
