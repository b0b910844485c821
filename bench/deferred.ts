// What waiting gradients and updates in pieces change: node bench/deferred.mjs FILE [key=value]... (bundles and runs this file).
import { compileFile } from '../src/cli/project.ts'
import type { Program } from '../src/compiler/ir/program.ts'
import { sizeOf } from '../src/compiler/ir/types.ts'
import { planMemory } from '../src/compiler/memory/plan.ts'
import { optimise } from '../src/compiler/passes/index.ts'
import { multiplyAdds } from '../src/compiler/rules/flops.ts'
import { sessionGraph } from '../src/compiler/targets/onnx/session-graph.ts'
import { buildTrainingStep } from '../src/compiler/training/step.ts'

const [file, ...set] = process.argv.slice(2)
const { model } = compileFile(file, { mode: 'train', set, quiet: true })

function products(program: Program): number {
  const types = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type] as const))
  return program.nodes.reduce((n, node) => n + multiplyAdds(node.op as never, node.inputs.map(v => types.get(v)!), node.type, node.attrs as never), 0)
}

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
const [plain, step] = [0, undefined].map(defer => optimise(buildTrainingStep(model, { defer }), { differentiated: true }))
const waiting = new Set(step.nodes.flatMap(n => n.op === 'after' ? [n.origin.path] : []))
const parameters = step.inputs.filter(i => i.role === 'parameter')
process.stdout.write(`${model.name}: ${parameters.length} parameters, ${mib(parameters.reduce((n, p) => n + 4 * sizeOf(p.type.shape), 0))}; gradients wait in ${waiting.size} modules\n`)
const before = products(plain), after = products(step)
process.stdout.write(`multiply-adds: ${(before / 1e9).toFixed(1)} G, ${((after - before) / 1e9).toFixed(2)} G more (${(100 * (after / before - 1)).toFixed(2)}%)\n`)
for (const [what, program] of [['gradients at once', plain], ['gradients that wait', step]] as const) {
  const { results, at } = planMemory(program, 'compact'), { graph } = sessionGraph(program, { contrib: true, hidden: true, inPlace: true })
  process.stdout.write(`${what}: results at the peak ${mib(results)} (${at}), ${graph.nodes.length} nodes, ${graph.nodes.filter(n => n.op === 'Scan').length} updates in pieces\n`)
}
