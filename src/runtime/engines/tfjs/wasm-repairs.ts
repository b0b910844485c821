// Kernels of tfjs's WebAssembly backend that are replaced once it is loaded, here and in the page of an exported model.
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Tf } from './device.ts'
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

/** To be called once, when the backend `wasm` is set. */
export function repairWasm(tf: Tf): void {
  replaceSlices(tf)
  acceptReshapedBiases(tf)
}
