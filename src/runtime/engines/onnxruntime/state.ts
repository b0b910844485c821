// A session in the worker: the onnxruntime session and the buffers of parameters, states and moments.
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { TensorData } from '../../../compiler/ir/types.ts'
import { arrayOf } from '../../../compiler/targets/onnx/emitter.ts'
import { sizeOf } from '../../../compiler/ir/types.ts'
import { runAndCopy, runInto, type Ort, type Tensors } from './fetch.ts'
import type { Tensors as HostTensors } from '../worker-protocol.ts'
import type { OpenRequest, Port } from './protocol.ts'

type Elements = TensorData['data']
type Opening = OpenRequest & { readonly state: HostTensors }

/**
 * Graph optimisation is the compiler's work; spinning threads disturb the data workers. The arena fills a buffer of twice the size rather than splitting it, which doubles the memory of a step that
 * recomputes; without it, one block holds all buffers from the second run on (the engine's memory pattern), which beside the arena would double the memory.
 */
export const sessionOptions = (device: string, threads: number, arena = true): InferenceSession.SessionOptions => ({
  executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'], graphOptimizationLevel: 'disabled', enableMemPattern: device === 'cpu' && !arena, enableCpuMemArena: arena, executionMode: 'sequential',
  ...(threads > 0 ? { intraOpNumThreads: threads } : {}), logSeverityLevel: 4, extra: { session: { intra_op: { allow_spinning: '0' } } },
})

export class StatefulSession {
  readonly #ort: Ort
  readonly #session: InferenceSession
  readonly #request: Omit<OpenRequest, 'model'>
  readonly #state: Map<string, TensorData>
  /** The vectors of the groups, of which their members in `#state` are views. */
  readonly #vectors = new Map<string, TensorData>()
  /** The second buffer of each value that cannot be updated in place; changes places with the first after each run. */
  readonly #spare = new Map<string, Elements>()

  private constructor(ort: Ort, session: InferenceSession, request: Opening) {
    this.#ort = ort
    this.#session = session
    const { model: _model, state, ...rest } = request
    this.#request = rest
    this.#state = new Map(Object.entries(state))
    for (const { name, size, members } of request.groups) {
      const vector = new Float32Array(size)
      for (const m of members) vector.set(this.#state.get(m.name)!.data, m.offset)
      this.#setVector(name, vector)
    }
    for (const { name, type, inPlace } of request.stateOutputs) if (!inPlace) this.#spare.set(name, arrayOf(type.dtype, sizeOf(type.shape)))
  }

  static async open(ort: Ort, request: Opening): Promise<StatefulSession> {
    return new StatefulSession(ort, await ort.InferenceSession.create(request.model, sessionOptions(request.device, request.threads, request.arena)), request)
  }

  /** The members of a group become views of its vector. */
  #setVector(group: string, vector: Float32Array): void {
    const { size, members } = this.#request.groups.find(g => g.name === group)!
    this.#vectors.set(group, { dtype: 'float32', shape: [size], data: vector })
    for (const { name, offset } of members) {
      const { shape } = this.#state.get(name)!
      this.#state.set(name, { dtype: 'float32', shape, data: vector.subarray(offset, offset + sizeOf(shape)) })
    }
  }

  #current(name: string): TensorData { return this.#vectors.get(name) ?? this.#state.get(name)! }

  #tensor(port: Port, data: Elements): Tensor { return new this.#ort.Tensor(port.type.dtype, data as Float32Array, port.type.shape) }

  /** Values of the `results` ports, in buffers of their own. */
  async run(given: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>> {
    const { feeds, stateInputs, stateOutputs, results, zeroCopy } = this.#request
    const inputs: Tensors = {}, into: Tensors = {}
    for (const port of feeds) inputs[port.onnx] = this.#tensor(port, given[port.name].data)
    for (const port of stateInputs) inputs[port.onnx] = this.#tensor(port, this.#current(port.name).data)
    for (const port of stateOutputs) into[port.onnx] = this.#tensor(port, this.#spare.get(port.name) ?? this.#current(port.name).data)
    const values: Record<string, TensorData> = {}
    for (const port of results) {
      const { dtype, shape } = port.type
      values[port.name] = { dtype, shape, data: arrayOf(dtype, sizeOf(shape)) }
      into[port.onnx] = this.#tensor(port, values[port.name].data)
    }
    await (zeroCopy ? runInto : runAndCopy)(this.#session, inputs, into)
    for (const { name } of stateOutputs) {
      const next = this.#spare.get(name), current = this.#current(name)
      if (next === undefined) continue
      this.#spare.set(name, current.data)
      if (this.#vectors.has(name)) this.#setVector(name, next as Float32Array)
      else this.#state.set(name, { ...current, data: next })
    }
    return values
  }

  /** Copies. */
  state(): Record<string, TensorData> {
    return Object.fromEntries([...this.#state].map(([name, t]) => [name, { ...t, data: t.data.slice() }]))
  }

  /** The tensors themselves; the session cannot run before they are taken back. */
  lend(): Record<string, TensorData> {
    return Object.fromEntries(this.#state)
  }

  takeBack(state: Readonly<Record<string, TensorData>>): void {
    for (const [name, tensor] of Object.entries(state)) this.#state.set(name, tensor)
    for (const { name, size, members: [first] } of this.#request.groups) {
      const { buffer, byteOffset } = this.#state.get(first.name)!.data
      this.#setVector(name, new Float32Array(buffer as ArrayBuffer, byteOffset - 4 * first.offset, size))
    }
  }

  async dispose(): Promise<void> {
    await this.#session.release()
    this.#state.clear()
    this.#vectors.clear()
    this.#spare.clear()
  }
}
