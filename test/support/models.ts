// Compiles the models of the repository for tests, and makes their generated weights.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { elaborate, renderDiagnostic, type ElaboratedModel, type SourceHost } from '../../src/compiler/index.ts'
import type { Program, ProgramOutput } from '../../src/compiler/ir/program.ts'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import { generatedParameter } from './generated.ts'

export const fileHost: SourceHost = {
  read: path => { const file = path.startsWith('mtlc:') ? join('models', path.slice(5)) : path; return existsSync(file) ? readFileSync(file, 'utf8') : undefined },
}

/** Elaborates a model; fails the test with the rendered diagnostics if there are errors. */
export function compile(file: string, options: { mode: 'infer' | 'train'; model?: string; set?: string[]; batch?: number }): ElaboratedModel {
  const { model, diagnostics } = elaborate(file, fileHost, options)
  const errors = diagnostics.filter(d => d.severity === 'error')
  if (model === undefined || errors.length > 0) throw new Error(errors.map(d => renderDiagnostic(d, f => fileHost.read(f))).join('\n\n'))
  return model
}

/** Generated values of all parameters and states (counters start at 0). */
export const generatedWeights = (program: Program): Record<string, TensorData> => Object.fromEntries(program.inputs.filter(i => i.role === 'parameter' || i.role === 'state').map(i =>
  [i.name, i.type.dtype === 'int32' ? { dtype: 'int32', shape: i.type.shape, data: new Int32Array(1) } : generatedParameter(i.name, i.type.shape)]))

/** The program with a tap output `PATH` or `PATH/FIELD` for every block call (the first, where a block is called several times). */
export function withTaps(model: ElaboratedModel): Program {
  const taps = new Map<string, ProgramOutput>()
  const renamed = (path: string): string => {
    const rule = model.renames.find(([from]) => path === from || path.startsWith(`${from}.`))
    return rule === undefined ? path : rule[1] + path.slice(rule[0].length)
  }
  for (const call of model.calls) for (const { field, value } of call.outputs) {
    const name = `tap/${renamed(call.path)}${field === '' ? '' : `/${field}`}`
    if (!taps.has(name)) taps.set(name, { name, role: 'tap', value })
  }
  const resized = model.program.nodes.find(n => n.op === 'resize2d')
  if (resized !== undefined) taps.set('tap/resized_input', { name: 'tap/resized_input', role: 'tap', value: resized.id })
  return { ...model.program, outputs: [...model.program.outputs, ...taps.values()] }
}
