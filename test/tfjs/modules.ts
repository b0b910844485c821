// Runs emitted modules on a device of tfjs, in this process.
import type { Tensor } from '@tensorflow/tfjs-core'
import type { TensorData } from '../../src/compiler/ir/types.ts'
import type { EmittedModule, TfjsModule } from '../../src/compiler/targets/tfjs/index.ts'
import { DeviceError, type Tf } from '../../src/runtime/engines/tfjs/device.ts'
import { loadDevice } from '../../src/runtime/engines/tfjs/load.ts'
import type { TfjsDevice } from '../../src/runtime/engines/tfjs/protocol.ts'
import '../engines/devices.ts'

/** The namespace that modules get, with the device ready; where it is not on this machine says so, and gives undefined. */
export async function openIfHere(device: TfjsDevice): Promise<Tf | undefined> {
  try {
    const { tf, calls } = await loadDevice({ device, threads: 1 })
    return calls ?? tf
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error
    console.warn(`not tested on tfjs ${device}: ${error.message}`)
    return undefined
  }
}

export type Feeds = Readonly<Record<string, TensorData>>

const upload = (tf: Tf, given: Feeds): Record<string, Tensor> => Object.fromEntries(Object.entries(given).map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)]))
const dispose = (tensors: Readonly<Record<string, Tensor>>): void => { for (const t of Object.values(tensors)) t.dispose() }

export async function importModule(source: string): Promise<TfjsModule<Tf, Tensor>> {
  return await import(/* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`) as TfjsModule<Tf, Tensor>
}

/** An emitted module with its constants on the device. `run` throws if a result is not what the module says, or if tensors are left behind. */
export async function load(tf: Tf, { source, constants }: EmittedModule): Promise<{ readonly run: (feeds: Feeds) => Promise<Record<string, TensorData>>; readonly dispose: () => void }> {
  const module = await importModule(source)
  const kept = upload(tf, Object.fromEntries(constants))
  return {
    dispose: () => dispose(kept),
    run: async feeds => {
      const given = upload(tf, Object.fromEntries(module.inputs.map(({ name }) => [name, feeds[name]])))
      const before = tf.memory().numTensors
      const results = module.run(tf, given, kept)
      const left = tf.memory().numTensors - before - Object.keys(results).length
      const values: Record<string, TensorData> = {}
      for (const { name, dtype, shape } of module.outputs) {
        const tensor = results[name]
        if (tensor.dtype !== dtype || tensor.shape.join() !== shape.join()) throw new Error(`${name} is ${tensor.dtype}[${tensor.shape.join()}], not ${dtype}[${shape.join()}]`)
        values[name] = { dtype, shape, data: (await tensor.data()).slice() as TensorData['data'] }
      }
      dispose(results)
      dispose(given)
      if (left !== 0) throw new Error(`a run left ${left} tensors behind`)
      return values
    },
  }
}
