// Runs an ONNX file as any user of it would: to check exports, and to predict from a file alone.
import type { TensorData } from '../../../compiler/ir/types.ts'
import { EngineError } from '../engine.ts'
import { readableError } from './messages.ts'

export interface OnnxFile {
  readonly outputs: readonly string[]
  run(feeds: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>>
  close(): Promise<void>
}

/** Opens a model with onnxruntime's own optimisations on `device` (cpu, webgpu, cuda). A path finds external data beside it. Throws EngineError. */
export async function openOnnxFile(model: string | Uint8Array, device = 'cpu'): Promise<OnnxFile> {
  const explained = async <T>(work: () => Promise<T>): Promise<T> => {
    try { return await work() } catch (error) {
      throw new EngineError(`onnxruntime cannot run ${typeof model === 'string' ? model : 'the model'}: ${readableError(error instanceof Error ? error.message : String(error))}`)
    }
  }
  return explained(async () => {
    const { default: ort } = await import('onnxruntime-node')
    const options = { executionProviders: [device], graphOptimizationLevel: 'all', logSeverityLevel: 4 } as const
    const session = await (typeof model === 'string' ? ort.InferenceSession.create(model, options) : ort.InferenceSession.create(model, options))
    return {
      outputs: session.outputNames,
      run: feeds => explained(async () => {
        const inputs = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, new ort.Tensor(t.dtype, t.data as Float32Array, t.shape)]))
        const results = await session.run(inputs)
        return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, { dtype: t.type as TensorData['dtype'], shape: t.dims, data: t.data as Float32Array }]))
      }),
      close: () => session.release(),
    }
  })
}

/** Outputs of the model for `feeds`, on the CPU. Throws EngineError. */
export async function runOnnxFile(model: string | Uint8Array, feeds: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>> {
  const file = await openOnnxFile(model)
  try { return await file.run(feeds) } finally { await file.close() }
}
