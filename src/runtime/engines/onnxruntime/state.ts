// A session in the worker: the onnxruntime session and the buffers of parameters, states and moments.
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { TensorData } from '../../../compiler/ir/types.ts'
import { arrayOf } from '../../../compiler/targets/onnx/emitter.ts'
import { sizeOf } from '../../../compiler/ir/types.ts'
import { runAndCopy, runInto, type Ort, type Tensors } from './fetch.ts'
import type { OpenRequest, Port } from './protocol.ts'

type Elements = TensorData['data']

/** Graph optimisation is the compiler's work; the memory pattern would double the memory, spinning threads disturb the data workers. */
export const sessionOptions = (device: string, threads: number): InferenceSession.SessionOptions => ({
  executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'], graphOptimizationLevel: 'disabled', enableMemPattern: false, executionMode: 'sequential',
  ...(threads > 0 ? { intraOpNumThreads: threads } : {}), logSeverityLevel: 4, extra: { session: { intra_op: { allow_spinning: '0' } } },
})

export class StatefulSession {
  readonly #ort: Ort
  readonly #session: InferenceSession
  readonly #request: Omit<OpenRequest, 'model' | 'state'>
  readonly #state: Map<string, TensorData>
  /** The second buffer of each value that cannot be updated in place; changes places with the first after each run. */
  readonly #spare = new Map<string, Elements>()

  private constructor(ort: Ort, session: InferenceSession, request: OpenRequest) {
    this.#ort = ort
    this.#session = session
    const { model: _model, state, ...rest } = request
    this.#request = rest
    this.#state = new Map(Object.entries(state))
    for (const { name, type, inPlace } of request.stateOutputs) if (!inPlace) this.#spare.set(name, arrayOf(type.dtype, sizeOf(type.shape)))
  }

  static async open(ort: Ort, request: OpenRequest): Promise<StatefulSession> {
    return new StatefulSession(ort, await ort.InferenceSession.create(request.model, sessionOptions(request.device, request.threads)), request)
  }

  #tensor(port: Port, data: Elements): Tensor { return new this.#ort.Tensor(port.type.dtype, data as Float32Array, port.type.shape) }

  /** Values of the `results` ports, in buffers of their own. */
  async run(given: Readonly<Record<string, TensorData>>): Promise<Record<string, TensorData>> {
    const { feeds, stateInputs, stateOutputs, results, zeroCopy } = this.#request
    const inputs: Tensors = {}, into: Tensors = {}
    for (const port of feeds) inputs[port.onnx] = this.#tensor(port, given[port.name].data)
    for (const port of stateInputs) inputs[port.onnx] = this.#tensor(port, this.#state.get(port.name)!.data)
    for (const port of stateOutputs) into[port.onnx] = this.#tensor(port, this.#spare.get(port.name) ?? this.#state.get(port.name)!.data)
    const values: Record<string, TensorData> = {}
    for (const port of results) {
      const { dtype, shape } = port.type
      values[port.name] = { dtype, shape, data: arrayOf(dtype, sizeOf(shape)) }
      into[port.onnx] = this.#tensor(port, values[port.name].data)
    }
    await (zeroCopy ? runInto : runAndCopy)(this.#session, inputs, into)
    for (const { name } of stateOutputs) {
      const next = this.#spare.get(name), current = this.#state.get(name)!
      if (next === undefined) continue
      this.#spare.set(name, current.data)
      this.#state.set(name, { ...current, data: next })
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
  }

  async dispose(): Promise<void> {
    await this.#session.release()
    this.#state.clear()
    this.#spare.clear()
  }
}
