// What the order of linear operators and the merging of siblings bring: floating-point operations and operators of a case, as written and as run.
import type { OpAttrs, OpName } from '../src/compiler/ir/ops.ts'
import type { Program } from '../src/compiler/ir/program.ts'
import { optimise, passes } from '../src/compiler/passes/index.ts'
import { multiplyAdds } from '../src/compiler/rules/flops.ts'
import { buildTrainingStep } from '../src/compiler/training/step.ts'
import { caseOf, compileCase } from './case.ts'

const table = passes as { -readonly [K in keyof typeof passes]: typeof passes[K] }
const { 'linear-order': linearOrder, siblings } = passes

function described(program: Program): string {
  const types = new Map([...program.inputs, ...program.nodes].map(v => [v.id, v.type] as const))
  const flops = program.nodes.reduce((n, node) => n + 2 * multiplyAdds(node.op as OpName, node.inputs.map(v => types.get(v)!), node.type, node.attrs as OpAttrs[OpName]), 0)
  return `${(flops / 1e9).toFixed(1)} GFLOP, ${program.nodes.length} operators`
}

for (const name of process.argv.slice(2)) {
  for (const mode of ['infer', 'train'] as const) {
    const both = [false, true].map(reordered => {
      Object.assign(table, reordered ? { 'linear-order': linearOrder, siblings } : { 'linear-order': (p: Program) => p, siblings: (p: Program) => p })
      const model = compileCase(caseOf(name), mode)
      return described(optimise(mode === 'infer' ? model.program : buildTrainingStep(model), { differentiated: true }))
    })
    console.log(`${name}, ${mode === 'infer' ? 'inference' : 'training step'}: as written ${both[0]}; as run ${both[1]}`)
  }
}
