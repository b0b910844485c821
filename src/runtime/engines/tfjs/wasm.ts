// The device `wasm`: tfjs's WebAssembly backend, with the files of its package.
import { dirname, sep } from 'node:path'
import { DeviceError, unwatched, type LoadedDevice, type Tf } from './device.ts'
import { ours } from './locate.ts'
import { repairWasm } from './wasm-repairs.ts'

/** Throws DeviceError where the package is missing or cannot be loaded. */
export async function loadWasm(): Promise<LoadedDevice> {
  try {
    const tf = ours('@tensorflow/tfjs-core') as Tf
    const wasm = ours('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm')
    wasm.setWasmPaths(dirname(ours.resolve('@tensorflow/tfjs-backend-wasm')) + sep)
    await tf.setBackend('wasm')
    repairWasm(tf)
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')
    return { device: 'wasm', tf, detail: `@tensorflow/tfjs-backend-wasm ${wasm.version_wasm}${simd === true ? ', SIMD' : ''}`, watch: unwatched }
  } catch (error) {
    throw new DeviceError(`tfjs on wasm cannot be loaded (${error instanceof Error ? error.message.split('\n')[0] : String(error)}): run npm install`)
  }
}
