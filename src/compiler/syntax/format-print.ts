// A small pretty printer: documents with optional line breaks, fitted into a width (after Wadler, "A prettier printer").

export type Doc =
  | string
  | readonly Doc[]
  | { readonly kind: 'group'; readonly doc: Doc }
  | { readonly kind: 'indent'; readonly doc: Doc }
  /** `flat` where the group fits on the line, else a new line */
  | { readonly kind: 'line'; readonly flat: string }
  /** always a new line; `blank` leaves one empty line */
  | { readonly kind: 'hard'; readonly blank: boolean }

export const group = (doc: Doc): Doc => ({ kind: 'group', doc })
export const indent = (doc: Doc): Doc => ({ kind: 'indent', doc })
export const line: Doc = { kind: 'line', flat: ' ' }
export const softline: Doc = { kind: 'line', flat: '' }
export const hardline: Doc = { kind: 'hard', blank: false }
export const blankline: Doc = { kind: 'hard', blank: true }

interface Cell { readonly doc: Doc; readonly level: number; readonly flat: boolean }
const isList = (doc: Doc): doc is readonly Doc[] => Array.isArray(doc)

/** Does what is on the stack fit into `room` up to the next possible break? */
function fits(first: Cell, rest: readonly Cell[], room: number): boolean {
  const stack = [first]
  let below = rest.length
  while (room >= 0) {
    const cell = stack.pop() ?? (below > 0 ? rest[--below] : undefined)
    if (cell === undefined) return true
    const { doc } = cell
    if (typeof doc === 'string') {
      const newline = doc.indexOf('\n')
      if (newline >= 0) return !first.flat || room >= newline
      room -= doc.length
    } else if (isList(doc)) for (let i = doc.length - 1; i >= 0; i--) stack.push({ ...cell, doc: doc[i] })
    else if (doc.kind === 'hard') return below < rest.length
    else if (doc.kind === 'line') { if (!cell.flat) return true; room -= doc.flat.length }
    else stack.push({ ...cell, doc: doc.doc })
  }
  return false
}

export function print(doc: Doc, width: number): string {
  const stack: Cell[] = [{ doc, level: 0, flat: false }]
  let out = ''
  let column = 0
  const newline = (level: number, blank: boolean): void => {
    out = `${out.replace(/[ \t]+$/, '')}${blank ? '\n\n' : '\n'}${'  '.repeat(level)}`
    column = 2 * level
  }
  const parts: string[] = []
  for (let cell = stack.pop(); cell !== undefined; cell = stack.pop()) {
    const { doc: d, level, flat } = cell
    if (typeof d === 'string') { out += d; const last = d.lastIndexOf('\n'); column = last < 0 ? column + d.length : d.length - last - 1 }
    else if (isList(d)) for (let i = d.length - 1; i >= 0; i--) stack.push({ doc: d[i], level, flat })
    else if (d.kind === 'indent') stack.push({ doc: d.doc, level: level + 1, flat })
    else if (d.kind === 'group') {
      const whole: Cell = { doc: d.doc, level, flat: true }
      stack.push(flat || fits(whole, stack, width - column) ? whole : { ...whole, flat: false })
    } else if (d.kind === 'hard') { newline(level, d.blank); parts.push(out.slice(0, out.lastIndexOf('\n'))); out = out.slice(out.lastIndexOf('\n')) }
    else if (flat) { out += d.flat; column += d.flat.length }
    else newline(level, false)
  }
  return (parts.join('') + out).replace(/[ \t]+(?=\n|$)/g, '')
}
