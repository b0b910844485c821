// A session whose parameters, states and moments stay in the memory of a GPU from one run to the next.
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { sizeOf, type DType, type TensorData } from '../../../compiler/ir/types.ts'
import type { ServedSession } from '../serve.ts'
import type { Tensors as HostTensors } from '../worker-protocol.ts'
import type { Ort, Tensors } from './fetch.ts'
import type { OpenRequest } from './protocol.ts'
import { sessionOptions } from './state.ts'

interface Copier { readonly up: InferenceSession; readonly down: InferenceSession }

/**
 * What leaves or enters the GPU goes through a graph of one Identity: reading such a tensor directly ends the process (onnxruntime-node 1.30, Tensor.getData), and a tensor of the host would
 * be sent anew at each run.
 */
async function openCopiers(ort: Ort, { copiers, device }: OpenRequest): Promise<Map<DType, Copier>> {
  const open = (model: Uint8Array, location: 'gpu-buffer' | 'cpu'): Promise<InferenceSession> => ort.InferenceSession.create(model, { ...sessionOptions(device, 0), preferredOutputLocation: location })
  return new Map(await Promise.all(Object.entries(copiers).map(async ([dtype, model]) => [dtype as DType, { up: await open(model, 'gpu-buffer'), down: await open(model, 'cpu') }] as const)))
}

export class DeviceSession implements ServedSession {
  readonly #ort: Ort
  readonly #session: InferenceSession
  readonly #copiers: ReadonlyMap<DType, Copier>
  readonly #request: Omit<OpenRequest, 'model' | 'copiers'>
  /** Vectors of the groups and what is in none of them, by name. */
  readonly #state = new Map<string, Tensor>()
  /** What the graph does not read. */
  readonly #unread = new Map<string, TensorData>()
  readonly #shapes: ReadonlyMap<string, TensorData['shape']>

  private constructor(ort: Ort, session: InferenceSession, copiers: ReadonlyMap<DType, Copier>, request: OpenRequest, state: HostTensors) {
    this.#ort = ort
    this.#session = session
    this.#copiers = copiers
    const { model: _model, copiers: _copiers, ...rest } = request
    this.#request = rest
    this.#shapes = new Map(Object.entries(state).map(([name, t]) => [name, t.shape]))
  }

  static async open(ort: Ort, request: OpenRequest & { readonly state: HostTensors }): Promise<DeviceSession> {
    const { state, ...step } = request
    const locations: Record<string, 'gpu-buffer' | 'cpu'> = {}
    for (const { onnx } of step.stateOutputs) locations[onnx] = 'gpu-buffer'
    for (const { onnx } of step.results) locations[onnx] = 'cpu'
    const session = await ort.InferenceSession.create(step.model, { ...sessionOptions(step.device, step.threads, step.arena), preferredOutputLocation: locations })
    const opened = new DeviceSession(ort, session, await openCopiers(ort, step), step, state)
    await opened.#fill(state)
    return opened
  }

  async #fill(state: HostTensors): Promise<void> {
    const { groups, stateInputs } = this.#request
    const read = new Set(stateInputs.map(p => p.name))
    const members = new Set(groups.flatMap(g => g.members.map(m => m.name)))
    for (const [name, value] of Object.entries(state)) {
      if (members.has(name)) continue
      if (read.has(name)) this.#state.set(name, await this.#up(value))
      else this.#unread.set(name, value)
    }
    for (const { name, size, members: parts } of groups) {
      const data = new Float32Array(size)
      for (const m of parts) data.set(state[m.name].data, m.offset)
      this.#state.set(name, await this.#up({ dtype: 'float32', shape: [size], data }))
    }
  }

  #tensor({ dtype, data, shape }: TensorData): Tensor { return new this.#ort.Tensor(dtype, data as Float32Array, shape) }

  async #up(value: TensorData): Promise<Tensor> { return (await this.#copiers.get(value.dtype)!.up.run({ x: this.#tensor(value) })).y }

  async #down(tensor: Tensor): Promise<TensorData> {
    const { y } = await this.#copiers.get(tensor.type as DType)!.down.run({ x: tensor })
    return { dtype: tensor.type as DType, shape: tensor.dims, data: y.data as Float32Array }
  }

  async run(given: HostTensors): Promise<HostTensors> {
    const { feeds, stateInputs, stateOutputs, results } = this.#request
    const inputs: Tensors = {}
    for (const { name, onnx } of feeds) inputs[onnx] = this.#tensor(given[name])
    for (const { name, onnx } of stateInputs) inputs[onnx] = this.#state.get(name)!
    const made = await this.#session.run(inputs, [...stateOutputs, ...results].map(p => p.onnx))
    for (const { name, onnx } of stateOutputs) {
      this.#state.get(name)?.dispose()
      this.#state.set(name, made[onnx])
    }
    return Object.fromEntries(results.map(({ name, onnx, type: { dtype, shape } }) => [name, { dtype, shape, data: made[onnx].data as Float32Array }]))
  }

  async state(): Promise<HostTensors> {
    const values: Record<string, TensorData> = {}
    for (const [name, t] of this.#unread) values[name] = { ...t, data: t.data.slice() }
    const groups = new Map(this.#request.groups.map(g => [g.name, g]))
    for (const [name, tensor] of this.#state) {
      const value = await this.#down(tensor), group = groups.get(name)
      if (group === undefined) values[name] = value
      else for (const m of group.members) {
        const shape = this.#shapes.get(m.name)!
        values[m.name] = { dtype: 'float32', shape, data: value.data.subarray(m.offset, m.offset + sizeOf(shape)) }
      }
    }
    return values
  }

  lend(): Promise<HostTensors> { return this.state() }

  takeBack(): void {}

  async dispose(): Promise<void> {
    for (const tensor of this.#state.values()) tensor.dispose()
    this.#state.clear()
    this.#unread.clear()
    await this.#session.release()
    for (const { up, down } of this.#copiers.values()) await Promise.all([up.release(), down.release()])
  }
}
