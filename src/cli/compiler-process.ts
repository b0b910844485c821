// The process behind CompilerProcess: answers its questions, and ends with it.
import { printProgram } from '../compiler/ir/print.ts'
import { optimise } from '../compiler/passes/index.ts'
import { describeModel, type ElaboratedModel } from '../compiler/semantics/model.ts'
import { checkedStep } from '../compiler/training/checked.ts'
import { buildTrainingStep, countsOfStep } from '../compiler/training/step.ts'
import { prepareProgram } from '../runtime/engines/prepare.ts'
import type { CompilerAnswer, CompilerRequest, ReplyOf, RequestOf, TrainingText } from './compiler-protocol.ts'
import { evaluateRun } from './evaluate-run.ts'
import { reportError } from './explained.ts'
import { finishRun } from './finish.ts'
import { explainByResolution } from './fit.ts'
import { fitStep, sequentialStep } from './memory.ts'
import { compileFile, digestOf, type Compiled } from './project.ts'

if (process.send === undefined) throw new Error('internal: the compiler process is started by mtlc only')

let described: { readonly model: ElaboratedModel; readonly place: Compiled['place']; readonly text: TrainingText } | undefined

const known = (): NonNullable<typeof described> => {
  if (described === undefined) throw new Error('internal: no model was described')
  return described
}

const digestOfTraining = ({ program, train: { optimizer, weighting, clipNorm, clipValue, groups, ema, accumulate } }: ElaboratedModel): string =>
  digestOf(`${printProgram(program)}\n${JSON.stringify({ ...optimizer, lr: undefined, weighting: weighting && { ...weighting, bounds: undefined }, clipNorm, clipValue, groups, ema: ema?.decay, accumulate })}`)

function describe(text: TrainingText): ReplyOf<'describe'> {
  const { model, place, sources } = compileFile(text.file, { ...text, mode: 'train' })
  described = { model, place, text }
  return { model: describeModel(model), digest: digestOfTraining(model), sources }
}

async function compileStep({ target, memory }: RequestOf<'step'>): Promise<ReplyOf<'step'>> {
  const whole = optimise(buildTrainingStep(known().model), { differentiated: true })
  // The plan is of onnxruntime's buffers.
  const { program, mode } = target.engine === 'onnxruntime' ? fitStep(whole, memory) : { program: sequentialStep(whole), mode: undefined }
  const { inputs, outputs, nodes } = program
  return { prepared: await prepareProgram(program, target, { memory: mode, place: known().place }), step: { inputs, outputs, counts: countsOfStep(known().model) }, operators: nodes.length, peak: process.resourceUsage().maxRSS * 1024 }
}

async function compileChecked({ target }: RequestOf<'checked'>): Promise<ReplyOf<'checked'>> {
  const { model, place } = known()
  const { program, values, results } = checkedStep(optimise(buildTrainingStep(model), { differentiated: true }))
  return { prepared: await prepareProgram(program, target, { place }), step: { inputs: program.inputs, outputs: program.outputs, counts: countsOfStep(model) }, results, values: values.map(({ span, ...v }) => ({ ...v, place: span === undefined ? '' : place(span) })) }
}

async function answer(message: CompilerRequest): Promise<ReplyOf<CompilerRequest['kind']>> {
  switch (message.kind) {
    case 'describe': return describe(message.request)
    case 'explain': return explainByResolution(known().model, { file: known().text.file, options: known().text }, message.request.misshapen)
    case 'step': return compileStep(message.request)
    case 'checked': return compileChecked(message.request)
    case 'evaluate': return evaluateRun(message.request)
    case 'finish': return finishRun(message.request)
  }
}

const say = (message: CompilerAnswer): void => { process.send!(message) }
process.on('message', (message: CompilerRequest) => { answer(message).then(reply => say({ reply }), (error: unknown) => say({ error: reportError(error) })) })
process.on('disconnect', () => process.exit())
// A reader that closes the pipe early is no error.
process.stdout.on('error', (e: NodeJS.ErrnoException) => { if (e.code === 'EPIPE') process.exit(0) })
