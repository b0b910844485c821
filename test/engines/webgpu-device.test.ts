// What Dawn says outside of any call reaches whoever waits: a GPU that is lost, a buffer that does not fit.
import { expect, it } from 'vitest'
import { DeviceError, type LoadedDevice } from '../../src/runtime/engines/tfjs/device.ts'
import { loadDevice } from '../../src/runtime/engines/tfjs/load.ts'
import './devices.ts'

async function load(): Promise<LoadedDevice | undefined> {
  try {
    return await loadDevice({ device: 'webgpu', threads: 0 })
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error
    console.warn(`not tested on tfjs webgpu: ${error.message}`)
    return undefined
  }
}

it('a buffer that is too large, then a device that is lost', async context => {
  const loaded = await load()
  if (loaded === undefined) return context.skip()
  const { tf, watch } = loaded, { fill } = tf
  const x = tf.tensor1d([1, 2, 3])
  const whole = fill([2 ** 15, 2 ** 14], 1)
  await expect(watch(tf.sum(whole).data())).rejects.toThrow(/^out of memory on the GPU: use a smaller batch or image \(Buffer size/)
  expect([...await watch(tf.mul(x, 2).data())]).toEqual([2, 4, 6])
  const { device } = tf.backend() as unknown as { readonly device: { destroy(): void } }
  device.destroy()
  for (let again = 0; again < 2; again++) await expect(watch(tf.mul(x, 3).data())).rejects.toThrow(/^the GPU was lost \(.*\): training goes on from the last checkpoint with --resume, here or with another --device$/)
})
