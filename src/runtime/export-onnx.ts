// Writes ONNX files, and runs them as their users will, to compare with the training engine.
import { basename } from 'node:path'
import type { Span } from '../compiler/diagnostics/diagnostic.ts'
import type { Program } from '../compiler/ir/program.ts'
import type { Shape, TensorData } from '../compiler/ir/types.ts'
import { optimise } from '../compiler/passes/index.ts'
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import { encodeModel, type EncodeOptions } from '../compiler/targets/onnx/encode.ts'
import { EngineError, type HostTensors } from './engines/engine.ts'
import { runOnnxFile } from './engines/onnxruntime/onnx-file.ts'
import { writeAtomically } from './files.ts'

export interface OnnxFileOptions { readonly opset?: number; readonly dynamicBatch?: boolean; /** `file:line:column`, for the nodes' doc strings */ readonly place?: (span: Span) => string }

export interface OutputDifference { readonly name: string; readonly shape: Shape; /** largest difference of an element */ readonly absolute: number; /** that, divided by the largest value of the output */ readonly relative: number }

/** Writes the graph, and beside it `<name>.data` when the weights are large; the data first, so that the graph never points to nothing. Throws FileError and EngineError. */
function write(path: string, program: Program, options: EncodeOptions): void {
  const { model, external } = encodeModel(program, { ...options, dataName: `${basename(path)}.data` })
  if (external !== undefined) writeAtomically(`${path}.data`, external.chunks)
  writeAtomically(path, model)
}

/** The inference graph with its weights. */
export function writeOnnx(path: string, model: ElaboratedModel, weights: HostTensors, options: OnnxFileOptions): void {
  write(path, optimise(model.program, { differentiated: true }), { ...options, profile: 'inference', weights })
}

/** The training step as a graph: parameters, states and moments are inputs and outputs; no weights inside. */
export function writeTrainingOnnx(path: string, step: Program, options: OnnxFileOptions): void {
  write(path, step, { ...options, profile: 'training' })
}

/** Runs the file on the CPU and compares every output. Throws EngineError if an output is missing or has another shape. */
export async function compareOutputs(path: string, feeds: HostTensors, expected: HostTensors): Promise<OutputDifference[]> {
  const found = await runOnnxFile(path, feeds)
  return Object.entries(expected).map(([name, tensor]) => difference(path, name, tensor, found[name]))
}

function difference(path: string, name: string, expected: TensorData, found: TensorData | undefined): OutputDifference {
  if (found === undefined || found.data.length !== expected.data.length) throw new EngineError(`${path}: output ${name} is ${found === undefined ? 'missing' : `of shape [${found.shape.join(', ')}], expected [${expected.shape.join(', ')}]`}`)
  let absolute = 0
  let largest = 0
  for (let i = 0; i < expected.data.length; i++) {
    const d = Math.abs(found.data[i] - expected.data[i])
    if (!(d <= absolute)) absolute = d
    largest = Math.max(largest, Math.abs(expected.data[i]))
  }
  return { name, shape: expected.shape, absolute, relative: absolute / Math.max(largest, 1e-30) }
}
