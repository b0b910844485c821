// What is known of each engine's devices before they are tried: the packages they need, and the exact way to what is missing.
import { locate } from '../engines/tfjs/locate.ts'
import { tensorflowPackages } from '../engines/tfjs/tensorflow.ts'

export interface DeviceFacts {
  /** npm packages; one of each list is needed. */
  readonly packages: readonly (readonly string[])[]
  /** Difference from the reference, as a part of each tensor's largest value, that three steps may have. */
  readonly limit: number
  /** How to get it, line by line. */
  readonly remedy: readonly string[]
}

const vulkan = [
  'a GPU with a Vulkan driver that `vulkaninfo --summary` lists: the vendor\'s driver for NVIDIA, the package mesa-vulkan-drivers for AMD and Intel',
  'without a GPU, slowly: the software driver in Debian\'s chromium package, with VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json in the environment',
]
const core = ['@tensorflow/tfjs-core']

/** By `engine/device`. */
export const deviceFacts: Readonly<Record<string, DeviceFacts>> = {
  'onnxruntime/cpu': { packages: [['onnxruntime-node']], limit: 1e-4, remedy: ['npm install onnxruntime-node'] },
  'onnxruntime/webgpu': { packages: [['onnxruntime-node']], limit: 1e-3, remedy: ['npm install onnxruntime-node (Linux x64, macOS arm64, Windows)', ...vulkan] },
  'onnxruntime/cuda': {
    packages: [['onnxruntime-node']], limit: 1e-3, remedy: [
      'Linux x64 and an NVIDIA GPU that `nvidia-smi` lists, with CUDA 12 and cuDNN 9 (`ldconfig -p | grep -E "libcudart|libcudnn"` lists them)',
      'ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js',
    ],
  },
  'tfjs/tensorflow': {
    packages: [tensorflowPackages], limit: 1e-4, remedy: [
      'mtlc doctor --fix tfjs-node, which builds it against the TensorFlow in a Python wheel that pip finds, or --wheel names: two minutes, 1.5 GB',
      'or npm install @tensorflow/tfjs-node-gpu (NVIDIA) or @tensorflow/tfjs-node, where the download of their own library is not refused',
    ],
  },
  'tfjs/webgpu': { packages: [core, ['@tensorflow/tfjs-backend-webgpu'], ['webgpu']], limit: 1e-3, remedy: ['npm install webgpu', ...vulkan] },
  'tfjs/wasm': { packages: [core, ['@tensorflow/tfjs-backend-wasm']], limit: 1e-4, remedy: ['npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm'] },
  'tfjs/cpu': { packages: [core, ['@tensorflow/tfjs-backend-cpu']], limit: 1e-4, remedy: ['npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu'] },
}

/** Whether the packages of a device are installed. */
export const isInstalled = ({ packages }: DeviceFacts): boolean => packages.every(names => locate(names) !== undefined)
