// A program made ready for tfjs: the emitted module and what has to be fed and fetched, as plain data that can go from one process to another.
import type { InputRole, OutputRole, Program } from '../../../compiler/ir/program.ts'
import { deadCode } from '../../../compiler/passes/dead-code.ts'
// A call into tfjs takes longer to make than most updates to compute, so groups serve here as they do for onnxruntime.
import { groupUpdates } from '../../../compiler/targets/onnx/group-updates.ts'
import { emitModule } from '../../../compiler/targets/tfjs/index.ts'
import { EngineError, type PrepareOptions } from '../engine.ts'
import type { PreparedTfjs, TfjsTarget } from './protocol.ts'

const STATE_ROLES: ReadonlySet<InputRole | OutputRole> = new Set(['parameter', 'state', 'moment'])
const isState = (port: { readonly role: InputRole | OutputRole }): boolean => STATE_ROLES.has(port.role)

/** The program without what its outputs do not depend on, inputs included. */
function withoutUnread(program: Program): Program {
  const live = deadCode(program), read = new Set([...live.nodes.flatMap(n => n.inputs), ...live.outputs.map(o => o.value)])
  return { ...live, inputs: live.inputs.filter(i => read.has(i.id)) }
}

/** Throws EngineError (a user-readable message) if the engine cannot run the program. */
export function prepareTfjs(program: Program, { device }: TfjsTarget, { outputs, place }: PrepareOptions = {}): PreparedTfjs {
  const unknown = outputs?.find(name => !program.outputs.some(o => o.name === name))
  if (unknown !== undefined) throw new EngineError(`the program has no output "${unknown}": it has ${program.outputs.map(o => o.name).join(', ')}`)
  const { program: grouped, groups } = groupUpdates(program)
  const wanted = withoutUnread({ ...grouped, outputs: grouped.outputs.filter(o => isState(o) || (outputs?.includes(o.name) ?? true)) })
  const { source, constants } = emitModule(wanted, { place, backend: device })
  return {
    engine: 'tfjs', device, source, groups,
    constants: Object.fromEntries(constants),
    state: program.inputs.filter(isState).map(({ name, role, type }) => ({ name, role, type })),
    feeds: wanted.inputs.filter(i => !isState(i)).map(({ name, type }) => ({ name, type })),
    stateInputs: wanted.inputs.filter(isState).map(i => i.name),
    stateOutputs: wanted.outputs.filter(isState).map(o => o.name),
    results: wanted.outputs.filter(o => !isState(o)).map(o => o.name),
  }
}
