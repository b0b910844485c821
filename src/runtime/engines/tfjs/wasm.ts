// The device `wasm`: tfjs's WebAssembly backend, with the files of its package.
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import type { TensorInfo } from '@tensorflow/tfjs-core'
import { dirname, sep } from 'node:path'
import { DeviceError, unwatched, type LoadedDevice, type Tf } from './device.ts'
import { ours } from './locate.ts'
import { replaceSlices } from './wasm-slice.ts'

/** The package's fused products (4.22) ask for the rank that a bias was made with, whatever it has been reshaped to since. */
function acceptReshapedBiases(tf: Tf): void {
  for (const kernelName of ['_FusedMatMul', 'FusedConv2D', 'FusedDepthwiseConv2D']) {
    const kernel = tf.getKernel(kernelName, 'wasm')
    tf.unregisterKernel(kernelName, 'wasm')
    // Set up already: a second setup would only look its function up again.
    tf.registerKernel({
      ...kernel, setupFunc: undefined, kernelFunc: given => {
        const bias = given.inputs.bias as TensorInfo | undefined
        if (bias != null) (given.backend as BackendWasm & { readonly dataIdMap: Map<unknown, { shape: number[] }> }).dataIdMap.get(bias.dataId)!.shape = bias.shape
        return kernel.kernelFunc(given)
      },
    })
  }
}

/** Throws DeviceError where the package is missing or cannot be loaded. */
export async function loadWasm(): Promise<LoadedDevice> {
  try {
    const tf = ours('@tensorflow/tfjs-core') as Tf
    const wasm = ours('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm')
    wasm.setWasmPaths(dirname(ours.resolve('@tensorflow/tfjs-backend-wasm')) + sep)
    await tf.setBackend('wasm')
    replaceSlices(tf)
    acceptReshapedBiases(tf)
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')
    return { device: 'wasm', tf, detail: `@tensorflow/tfjs-backend-wasm ${wasm.version_wasm}${simd === true ? ', SIMD' : ''}`, watch: unwatched }
  } catch (error) {
    throw new DeviceError(`tfjs on wasm cannot be loaded (${error instanceof Error ? error.message.split('\n')[0] : String(error)}): run npm install`)
  }
}
