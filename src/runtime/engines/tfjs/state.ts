// A session in the worker: the loaded module, and the tensors of parameters, states and moments, which stay on the device.
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core'
import type { TfjsModule } from '../../../compiler/targets/tfjs/module.ts'
import { sizeOf, type Shape, type TensorData } from '../../../compiler/ir/types.ts'
import type { StateGroup } from '../../../compiler/targets/onnx/group-updates.ts'
import type { ServedSession } from '../serve.ts'
import type { Tensors } from '../worker-protocol.ts'
import type { LoadedDevice, Tf } from './device.ts'
import type { TfjsStep } from './protocol.ts'

export type LoadedModule = TfjsModule<Tf, Tensor>

const discard = (tensors: Iterable<Tensor>): void => { for (const t of tensors) t.dispose() }

/** A copy in a buffer of its own: some devices give the array in which they keep the values. */
async function download(tensor: Tensor): Promise<TensorData> {
  const data = await tensor.data()
  return { dtype: tensor.dtype as TensorData['dtype'], shape: tensor.shape, data: data.slice() as TensorData['data'] }
}

interface Member { readonly name: string; readonly offset: number; readonly shape: Shape }
/** A vector that holds several tensors of the state. `parts`: those of its members that the module reads on their own, between gaps: sizes along the vector. */
interface Group { readonly name: string; readonly members: readonly Member[]; readonly parts: readonly Member[]; readonly sizes: readonly number[] }

function groupOf({ name, size, members: given }: StateGroup, state: Tensors, read: ReadonlySet<string>): Group {
  const members = given.map(m => ({ ...m, shape: state[m.name].shape }))
  const parts = members.some(m => read.has(m.name)) ? members : []
  const ends = parts.map(m => m.offset + sizeOf(m.shape)), end = ends.at(-1) ?? 0
  return { name, members, parts, sizes: [...parts.map((m, i) => ends[i] - m.offset), ...(end < size ? [size - end] : [])] }
}

export class TfjsSession implements ServedSession {
  readonly #device: LoadedDevice
  readonly #module: LoadedModule
  readonly #step: Pick<TfjsStep, 'stateOutputs' | 'results'>
  readonly #groups: readonly Group[]
  readonly #constants: Record<string, Tensor>
  /** By name: what is in no group, and the vectors of the groups. */
  readonly #state = new Map<string, Tensor>()
  /** Members of groups, as the module reads them: made anew from their vectors after each run. */
  readonly #parts = new Map<string, Tensor>()

  constructor(device: LoadedDevice, module: LoadedModule, { constants, groups, stateInputs, stateOutputs, results }: TfjsStep, state: Tensors) {
    this.#device = device
    this.#module = module
    this.#step = { stateOutputs, results }
    this.#constants = this.#upload(constants)
    const read = new Set(stateInputs)
    this.#groups = groups.map(g => groupOf(g, state, read))
    const members = new Set(groups.flatMap(g => g.members.map(m => m.name)))
    for (const [name, t] of Object.entries(this.#upload(Object.fromEntries(Object.entries(state).filter(([name]) => !members.has(name)))))) this.#state.set(name, t)
    for (const { name, size, members } of groups) {
      const vector = new Float32Array(size)
      for (const m of members) vector.set(state[m.name].data, m.offset)
      this.#state.set(name, device.tf.tensor1d(vector))
    }
    for (const group of this.#groups) this.#divide(group)
  }

  #upload(given: Tensors): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(given).map(([name, { data, shape, dtype }]) => [name, this.#device.tf.tensor(data, [...shape], dtype)]))
  }

  #divide({ name, parts, sizes }: Group): void {
    if (parts.length === 0) return
    const { tf } = this.#device
    const pieces = sizes.length === 1 ? [tf.clone(this.#state.get(name)!)] : tf.split(this.#state.get(name) as Tensor1D, [...sizes])
    for (const [i, m] of parts.entries()) {
      this.#parts.get(m.name)?.dispose()
      this.#parts.set(m.name, tf.reshape(pieces[i], [...m.shape]))
    }
    discard(pieces)
  }

  async run(feeds: Tensors): Promise<Tensors> {
    const { stateOutputs, results } = this.#step
    const given = this.#upload(feeds)
    let made: Record<string, Tensor>
    try {
      made = this.#module.run(this.#device.calls ?? this.#device.tf, { ...Object.fromEntries(this.#state), ...Object.fromEntries(this.#parts), ...given }, this.#constants)
    } finally {
      discard(Object.values(given))
    }
    for (const name of stateOutputs) {
      this.#state.get(name)?.dispose()
      this.#state.set(name, made[name])
    }
    try {
      for (const group of this.#groups) if (stateOutputs.includes(group.name)) this.#divide(group)
      return Object.fromEntries(await this.#device.watch(Promise.all(results.map(async name => [name, await download(made[name])] as const))))
    } finally {
      discard(results.map(name => made[name]))
    }
  }

  async state(): Promise<Tensors> {
    const values: Record<string, TensorData> = {}
    const vectors = new Map(this.#groups.map(g => [g.name, g]))
    // One after the other: a device may hold each a second time while it is read.
    for (const [name, tensor] of this.#state) {
      const value = await this.#device.watch(download(tensor)), group = vectors.get(name)
      if (group === undefined) values[name] = value
      else for (const { name: member, offset, shape } of group.members) values[member] = { dtype: 'float32', shape, data: value.data.subarray(offset, offset + sizeOf(shape)) }
    }
    return values
  }

  lend(): Promise<Tensors> { return this.state() }

  takeBack(): void {}

  dispose(): void {
    for (const tensors of [this.#state, this.#parts]) {
      discard(tensors.values())
      tensors.clear()
    }
    discard(Object.values(this.#constants))
  }
}
