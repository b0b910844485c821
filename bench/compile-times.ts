// How long the compiler takes: checking TaskPrompter, and its training step, up to the encoded graph, at growing depth of the third stage.
import { checkFile } from '../src/compiler/index.ts'
import { optimise } from '../src/compiler/passes/index.ts'
import { encodeGraph } from '../src/compiler/targets/onnx/encode.ts'
import { sessionGraph } from '../src/compiler/targets/onnx/session-graph.ts'
import { buildTrainingStep } from '../src/compiler/training/step.ts'
import { stepMemory } from '../src/cli/memory.ts'
import { compileFile, FileHost } from '../src/cli/project.ts'

const file = 'models/taskprompter.mtl'
const since = (from: number): number => Math.round(performance.now() - from)

const depth = Number(process.argv[2] ?? 18)
const timed: Record<string, number> = {}
if (depth === 18) {
  const began = performance.now()
  const { diagnostics } = checkFile(file, new FileHost())
  if (diagnostics.some(d => d.severity === 'error')) throw new Error('internal: the model has errors')
  timed.checkMs = since(began)
}
let at = performance.now()
const lap = (name: string): void => { timed[name] = since(at); at = performance.now() }
const model = compileFile(file, { mode: 'train', set: [`backbone.depths=[2, 2, ${depth}, 2]`], quiet: true }).model
lap('elaborateMs')
const step = buildTrainingStep(model)
lap('differentiateMs')
const program = optimise(step, { differentiated: true })
lap('optimiseMs')
const { program: fitted, mode } = stepMemory(program)
lap('memoryMs')
const { graph } = sessionGraph(fitted, { contrib: true, hidden: mode !== 'plain', inPlace: true })
lap('lowerMs')
encodeGraph(graph, Infinity)
lap('encodeMs')
timed.stepMs = timed.elaborateMs + timed.differentiateMs + timed.optimiseMs + timed.memoryMs + timed.lowerMs + timed.encodeMs
console.log(JSON.stringify({ depth, nodes: fitted.nodes.length, onnxNodes: graph.nodes.length, ...timed }))
