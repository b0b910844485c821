// A session in the worker: the loaded module, and the tensors of parameters, states and moments, which stay on the device.
import type { Tensor } from '@tensorflow/tfjs-core'
import type { TfjsModule } from '../../../compiler/targets/tfjs/module.ts'
import type { TensorData } from '../../../compiler/ir/types.ts'
import type { ServedSession } from '../serve.ts'
import type { Tensors } from '../worker-protocol.ts'
import type { LoadedDevice, Tf } from './device.ts'
import type { TfjsStep } from './protocol.ts'

export type LoadedModule = TfjsModule<Tf, Tensor>

const upload = (tf: Tf, given: Tensors): Map<string, Tensor> => new Map(Object.entries(given).map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)]))

const discard = (tensors: Iterable<Tensor>): void => { for (const t of tensors) t.dispose() }

/** A copy in a buffer of its own: some devices give the array in which they keep the values. */
async function download(tensor: Tensor): Promise<TensorData> {
  const data = await tensor.data()
  return { dtype: tensor.dtype as TensorData['dtype'], shape: tensor.shape, data: data.slice() as TensorData['data'] }
}

async function downloadAll(tensors: Iterable<readonly [string, Tensor]>): Promise<Tensors> {
  return Object.fromEntries(await Promise.all([...tensors].map(async ([name, t]) => [name, await download(t)] as const)))
}

export class TfjsSession implements ServedSession {
  readonly #device: LoadedDevice
  readonly #module: LoadedModule
  readonly #constants: Map<string, Tensor>
  readonly #state: Map<string, Tensor>
  readonly #step: Pick<TfjsStep, 'stateOutputs' | 'results'>

  constructor(device: LoadedDevice, module: LoadedModule, { constants, stateOutputs, results }: TfjsStep, state: Tensors) {
    this.#device = device
    this.#module = module
    this.#constants = upload(device.tf, constants)
    this.#state = upload(device.tf, state)
    this.#step = { stateOutputs, results }
  }

  async run(feeds: Tensors): Promise<Tensors> {
    const { tf } = this.#device
    const given = upload(tf, feeds)
    let made: Record<string, Tensor>
    try {
      made = this.#module.run(tf, Object.fromEntries([...this.#state, ...given]), Object.fromEntries(this.#constants))
    } finally {
      discard(given.values())
    }
    const { stateOutputs, results } = this.#step
    try {
      const values = await downloadAll(results.map(name => [name, made[name]] as const))
      this.#check()
      return values
    } finally {
      for (const name of stateOutputs) {
        this.#state.get(name)?.dispose()
        this.#state.set(name, made[name])
      }
      discard(results.map(name => made[name]))
    }
  }

  #check(): void {
    const failure = this.#device.failure()
    if (failure !== undefined) throw new Error(failure)
  }

  async state(): Promise<Tensors> {
    // One after the other: a device may hold each a second time while it is read.
    const values: Record<string, TensorData> = {}
    for (const [name, tensor] of this.#state) values[name] = await download(tensor)
    this.#check()
    return values
  }

  lend(): Promise<Tensors> { return this.state() }

  takeBack(): void {}

  dispose(): void {
    discard(this.#state.values())
    discard(this.#constants.values())
    this.#state.clear()
    this.#constants.clear()
  }
}
