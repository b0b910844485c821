// Outputs without a copy: the one place that relies on how onnxruntime-node 1.30 returns results.
//
// The binding copies every output into a new buffer, even when a buffer was given for it (0.5 ms per MB, a second per step for a large model). It stops, before it copies anything, at an
// output that is no tensor. So the first output of a training graph is an empty-handed sequence; the run ends with a known message, and the buffers that were given are filled.
// `zeroCopyWorks` tries this at start-up; where it does not hold, results are returned and copied in the ordinary way.
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { OnnxGraph } from '../../../compiler/targets/onnx/graph.ts'

export type Ort = typeof import('onnxruntime-node')
export type Tensors = Record<string, Tensor>

const SEQUENCE = 'mtlc/sequence'
const STOPPED = 'Non tensor type is temporarily not supported'

/** The graph with the sequence as its first output. */
export function withSequence(graph: OnnxGraph): OnnxGraph {
  const one = `${SEQUENCE}/element`
  return {
    ...graph,
    initialisers: [...graph.initialisers, { name: one, dtype: 'float32', dims: [1], data: new Float32Array(1) }],
    nodes: [{ op: 'SequenceConstruct', domain: '', name: SEQUENCE, doc: 'lets outputs be filled in place', inputs: [one], outputs: [SEQUENCE], attributes: {} }, ...graph.nodes],
    outputs: [{ name: SEQUENCE, dtype: 'float32', dims: [1], sequence: true }, ...graph.outputs],
  }
}

/** Run a graph made by `withSequence`: the tensors in `into` hold the outputs afterwards. */
export async function runInto(session: InferenceSession, feeds: Tensors, into: Tensors): Promise<void> {
  try {
    await session.run(feeds, { [SEQUENCE]: null, ...into })
  } catch (error) {
    if (error instanceof Error && error.message.includes(STOPPED)) return
    throw error
  }
  throw new Error('internal: onnxruntime returned a sequence where it was expected to stop')
}

/** Run an ordinary graph and copy the results into the buffers of `into`. */
export async function runAndCopy(session: InferenceSession, feeds: Tensors, into: Tensors): Promise<void> {
  const results = await session.run(feeds, Object.keys(into))
  for (const [name, tensor] of Object.entries(into)) (tensor.data as Float32Array).set(results[name].data as Float32Array)
}

/**
 * `probeGraph` with its sequence, encoded (a test compares): the encoder would stay in the memory of the process that trains.
 */
const PROBE = 'CAgSBG10bGM69AIKawoVbXRsYy9zZXF1ZW5jZS9lbGVtZW50Eg1tdGxjL3NlcXVlbmNlGg1tdGxjL3NlcXVlbmNlIhFTZXF1ZW5jZUNvbnN0cnVjdDIfbGV0cyBvdXRwdXRzIGJlIGZpbGxlZCBpbiBwbGFjZToACo4BCgF4EgF5GgZwaWVjZXMiBFNjYW4qFgoPbnVtX3NjYW5faW5wdXRzGAGgAQIqXAoEYm9keTJRCiAKBG9mLngKBG9mLngSBG9mLnkaA2FkZCIDQWRkMgA6ABIFcGllY2VaEgoEb2YueBIKCggIARIECgIIAmISCgRvZi55EgoKCAgBEgQKAggCoAEFMgA6ABIFcHJvYmUqIgoBARABQhVtdGxjL3NlcXVlbmNlL2VsZW1lbnRKBAAAAABaEwoBeBIOCgwIARIICgIIAgoCCAJiHwoNbXRsYy9zZXF1ZW5jZRIOIgwKCgoICAESBAoCCAFiEwoBeRIOCgwIARIICgIIAgoCCAJCBAoAEBE='

/** y = x + x on four numbers, in two pieces as the updates of large parameters (targets/onnx/chunk-updates.ts). */
export const probeGraph: OnnxGraph = {
  name: 'probe', opset: 17, initialisers: [], inputs: [{ name: 'x', dtype: 'float32', dims: [2, 2] }], outputs: [{ name: 'y', dtype: 'float32', dims: [2, 2] }],
  nodes: [{
    op: 'Scan', domain: '', name: 'pieces', doc: '', inputs: ['x'], outputs: ['y'], attributes: {
      num_scan_inputs: 1,
      body: { graph: {
        name: 'piece', inputs: [{ name: 'of.x', dtype: 'float32', dims: [2] }], outputs: [{ name: 'of.y', dtype: 'float32', dims: [2] }],
        nodes: [{ op: 'Add', domain: '', name: 'add', doc: '', inputs: ['of.x', 'of.x'], outputs: ['of.y'], attributes: {} }],
      } },
    },
  }],
}

export const probeModel = (): Uint8Array => Uint8Array.from(Buffer.from(PROBE, 'base64'))

/** Whether this onnxruntime fills given buffers and stops as described: once into another buffer and once in place. */
export async function zeroCopyWorks(ort: Ort, options: InferenceSession.SessionOptions): Promise<boolean> {
  try {
    const session = await ort.InferenceSession.create(probeModel(), options)
    const x = Float32Array.of(1, 2, 3, 4), y = new Float32Array(4)
    const tensor = (data: Float32Array): Tensor => new ort.Tensor('float32', data, [2, 2])
    await runInto(session, { x: tensor(x) }, { y: tensor(y) })
    const apart = y.every((v, i) => v === 2 * (i + 1)) && x.every((v, i) => v === i + 1)
    await runInto(session, { x: tensor(x) }, { y: tensor(x) })
    await session.release()
    return apart && x.every((v, i) => v === 2 * (i + 1))
  } catch {
    return false
  }
}
