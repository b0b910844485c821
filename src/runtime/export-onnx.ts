// Writes ONNX files, and runs them as their users will, to compare with the training engine.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Span } from '../compiler/diagnostics/diagnostic.ts'
import type { Program } from '../compiler/ir/program.ts'
import { optimise } from '../compiler/passes/index.ts'
import type { ElaboratedModel } from '../compiler/semantics/model.ts'
import { encodeModel, type EncodeOptions } from '../compiler/targets/onnx/encode.ts'
import type { HostTensors } from './engines/engine.ts'
import { runOnnxFile } from './engines/onnxruntime/onnx-file.ts'
import { explain, writeAtomically } from './files.ts'
import { factsKey, factsText } from './model-facts.ts'
import { outputDifferences, type OutputDifference } from './output-difference.ts'

export interface OnnxFileOptions { readonly opset?: number; readonly dynamicBatch?: boolean; /** `file:line:column`, for the nodes' doc strings */ readonly place?: (span: Span) => string }

/** Writes the graph, and beside it `<name>.data` when the weights are large; the data first, so that the graph never points to nothing. Throws FileError and EngineError. */
function write(path: string, program: Program, options: EncodeOptions): void {
  const { model, external } = encodeModel(program, { ...options, dataName: `${basename(path)}.data` })
  if (external !== undefined) writeAtomically(`${path}.data`, external.chunks)
  writeAtomically(path, model)
}

/** The inference graph with its weights, and what a prediction from the file alone needs to know. */
export function writeOnnx(path: string, model: ElaboratedModel, weights: HostTensors, options: OnnxFileOptions): void {
  write(path, optimise(model.program, { differentiated: true }), { ...options, profile: 'inference', weights, metadata: { [factsKey]: factsText(model) } })
}

/** The training step as a graph: parameters, states and moments are inputs and outputs; no weights inside. */
export function writeTrainingOnnx(path: string, step: Program, options: OnnxFileOptions): void {
  write(path, step, { ...options, profile: 'training' })
}

/**
 * Writes files under their final names, but in a folder beside `path`, and moves them there after `check` has passed: what was at `path` before stays if anything fails. Returns what `check` returns, and
 * the files with their sizes in bytes. Throws FileError, and what `put` and `check` throw.
 */
export async function writeChecked<T>(path: string, put: (path: string) => void, check: (path: string) => Promise<T>): Promise<{ readonly result: T; readonly files: readonly { readonly path: string; readonly bytes: number }[] }> {
  const folder = `${path}.${process.pid}.tmp`
  const held = (): string[] => readdirSync(folder).toSorted().toReversed()
  try {
    try { mkdirSync(folder, { recursive: true }) } catch (error) { throw explain(path, error) }
    if (existsSync(path) && statSync(path).isDirectory()) throw explain(path, Object.assign(new Error(), { code: 'EISDIR' }))
    put(join(folder, basename(path)))
    const result = await check(join(folder, basename(path)))
    // Reversed, `x.onnx.data` comes before `x.onnx`: the graph never points to nothing.
    const files = held().map(name => ({ from: join(folder, name), path: join(dirname(path), name), bytes: statSync(join(folder, name)).size }))
    try { for (const f of files) renameSync(f.from, f.path) } catch (error) { throw explain(path, error) }
    return { result, files: files.toReversed().map(({ path, bytes }) => ({ path, bytes })) }
  } finally { rmSync(folder, { recursive: true, force: true }) }
}

/** Runs the file on the CPU and compares every output. Throws EngineError if an output is missing or has another shape. */
export async function compareOutputs(path: string, feeds: HostTensors, expected: HostTensors): Promise<OutputDifference[]> {
  return outputDifferences(path, expected, await runOnnxFile(path, feeds))
}
