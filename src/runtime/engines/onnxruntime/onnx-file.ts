// Runs an ONNX file as any user of it would, to check exports.
import type { TensorData } from '../../../compiler/ir/types.ts'
import { EngineError } from '../engine.ts'
import { readableError } from './messages.ts'

/** Outputs of the model for `feeds`, on the CPU with onnxruntime's own optimisations. A path finds external data beside it. Throws EngineError. */
export async function runOnnxFile(model: string | Uint8Array, feeds: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>> {
  const { default: ort } = await import('onnxruntime-node')
  try {
    const options = { executionProviders: ['cpu'], graphOptimizationLevel: 'all', logSeverityLevel: 4 } as const
    const session = await (typeof model === 'string' ? ort.InferenceSession.create(model, options) : ort.InferenceSession.create(model, options))
    const inputs = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, new ort.Tensor(t.dtype, t.data as Float32Array, t.shape)]))
    const results = await session.run(inputs)
    await session.release()
    return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, { dtype: t.type as TensorData['dtype'], shape: t.dims, data: t.data as Float32Array }]))
  } catch (error) {
    throw new EngineError(`onnxruntime cannot run ${typeof model === 'string' ? model : 'the model'}: ${readableError(error instanceof Error ? error.message : String(error))}`)
  }
}
