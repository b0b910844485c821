// Cost of a model by module path: parameters, multiply-adds, bytes of activations.
import type { Node, Program, ValueId } from './ir/program.ts'
import { showType, sizeOf, type TensorType } from './ir/types.ts'
import { multiplyAdds } from './rules/flops.ts'
import type { ElaboratedModel } from './semantics/model.ts'

export interface SummaryRow { readonly path: string; readonly depth: number; readonly block: string; readonly outputs: string; readonly parameters: number; readonly multiplyAdds: number; /** results of all nodes below this path, in bytes */ readonly activationBytes: number }
export interface Summary {
  readonly model: string
  readonly parameters: number
  /** of one forward pass at the program's batch */
  readonly multiplyAdds: number
  readonly activationBytes: number
  readonly tasks: readonly { readonly name: string; readonly kind: string; readonly weight: number }[]
  /** in order of first call; the first row is the whole model */
  readonly rows: readonly SummaryRow[]
}

const bytesPer = { float32: 4, int32: 4, bool: 1 } as const

/** Values that depend on the image: the others are constants that a compiler folds. */
function dynamicValues(program: Program): Set<ValueId> {
  const dynamic = new Set(program.inputs.filter(i => i.role === 'input').map(i => i.id))
  for (const n of program.nodes) if (n.inputs.some(v => dynamic.has(v))) dynamic.add(n.id)
  return dynamic
}

/** Movement that needs no memory of its own. */
const isView = (node: Node): boolean => node.op === 'reshape' || node.op === 'stopGradient'

export function summarise(model: ElaboratedModel): Summary {
  const { program } = model
  const types = new Map<ValueId, TensorType>([...program.inputs.map(i => [i.id, i.type] as const), ...program.nodes.map(n => [n.id, n.type] as const)])
  const dynamic = dynamicValues(program)
  const totals = new Map<string, { parameters: number; multiplyAdds: number; activationBytes: number }>()
  const add = (path: string, parameters: number, products: number, bytes: number): void => {
    for (let at = path; ; at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '') {
      const t = totals.get(at) ?? { parameters: 0, multiplyAdds: 0, activationBytes: 0 }
      totals.set(at, { parameters: t.parameters + parameters, multiplyAdds: t.multiplyAdds + products, activationBytes: t.activationBytes + bytes })
      if (at === '') return
    }
  }
  for (const i of program.inputs) if (i.role === 'parameter') add(i.origin.path, sizeOf(i.type.shape), 0, 0)
  for (const n of program.nodes) if (dynamic.has(n.id)) add(n.origin.path, 0, multiplyAdds(n.op, n.inputs.map(v => types.get(v)!), n.type, n.attrs), isView(n) ? 0 : sizeOf(n.type.shape) * bytesPer[n.type.dtype])
  const none = { parameters: 0, multiplyAdds: 0, activationBytes: 0 }
  const whole = totals.get('') ?? none
  const outputs = program.outputs.filter(o => o.role === 'prediction').map(o => `${o.name} ${showType(types.get(o.value)!)}`).join(', ')
  const rows: SummaryRow[] = [{ path: '', depth: 0, block: model.name, outputs, ...whole }]
  const seen = new Set<string>()
  for (const c of [...model.calls].sort((a, b) => comparePaths(a.path, b.path))) {
    if (c.path === '' || seen.has(c.path)) continue
    seen.add(c.path)
    rows.push({ path: c.path, depth: c.path.split('.').length, block: c.block, outputs: c.outputs.map(o => `${o.field}${o.field === '' ? '' : ' '}${showType(o.type)}`).join(', '), ...(totals.get(c.path) ?? none) })
  }
  return { model: model.name, ...whole, tasks: model.tasks.map(t => ({ name: t.name, kind: t.config.kind, weight: t.weight })), rows }
}

/** Path order with numbers by value, parents before children. */
function comparePaths(a: string, b: string): number {
  const [x, y] = [a.split('.'), b.split('.')]
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] === y[i]) continue
    const [m, n] = [Number(x[i]), Number(y[i])]
    return Number.isNaN(m) || Number.isNaN(n) ? (x[i] < y[i] ? -1 : 1) : m - n
  }
  return x.length - y.length
}
