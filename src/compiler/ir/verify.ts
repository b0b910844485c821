// The invariants of a program. Run after every pass in tests: a violation is a defect of the compiler, never of the model.
import { inferShape } from '../rules/shape.ts'
import type { OpName } from './ops.ts'
import type { Node, OutputRole, Program, ValueId } from './program.ts'
import { sameShape, showType, type TensorType } from './types.ts'

const updates: readonly OutputRole[] = ['parameter', 'state', 'moment']

const sameType = (a: TensorType, b: TensorType): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape)

/**
 * Throws `internal:` errors unless: ids are unique, operands are defined before their use, each type is what the shape rule infers, outputs name defined values,
 * names are unique per role, and each next value of a parameter, state or moment belongs to an input of that name and type.
 */
export const verify = (program: Program): void => {
  const wrong = (message: string): never => { throw new Error(`internal: program ${program.name}: ${message}`) }
  const types = new Map<ValueId, TensorType>()
  const define = (id: ValueId, type: TensorType, what: string): void => {
    if (types.has(id)) wrong(`${what} redefines value ${id}`)
    types.set(id, type)
  }
  const unique = (items: readonly { readonly name: string; readonly role: string }[], what: string): void => {
    const seen = new Set<string>()
    for (const { name, role } of items) {
      const key = `${role} '${name}'`
      if (seen.has(key)) wrong(`two ${what}s are called ${key}`)
      seen.add(key)
    }
  }
  const checkNode = (node: Node): void => {
    const what = `node ${node.id} (${node.op}${node.origin.path && ` of ${node.origin.path}`})`
    const operands = node.inputs.map(v => types.get(v) ?? wrong(`${what} reads value ${v} before its definition`))
    const inferred = inferShape(node.op as OpName, operands, node.attrs as never)
    if ('error' in inferred) return wrong(`${what}: ${inferred.error}`)
    if (!sameType(inferred, node.type)) wrong(`${what} has the type ${showType(node.type)}, but its operands give ${showType(inferred)}`)
    define(node.id, node.type, what)
  }
  for (const input of program.inputs) define(input.id, input.type, `input '${input.name}'`)
  program.nodes.forEach(checkNode)
  unique(program.inputs, 'input')
  unique(program.outputs, 'output')
  const inputs = new Map(program.inputs.map(i => [`${i.role}/${i.name}`, i]))
  for (const { name, role, value } of program.outputs) {
    const type = types.get(value) ?? wrong(`output '${name}' is value ${value}, which is not defined`)
    if (!updates.includes(role)) continue
    const input = inputs.get(`${role}/${name}`) ?? wrong(`output '${name}' updates a ${role} that is not an input`)
    if (!sameType(input.type, type)) wrong(`output '${name}' is ${showType(type)}, but the ${role} is ${showType(input.type)}`)
  }
}
