// TensorFlow.js inside the bundle of an exported model: its two fast backends, where their files lie, and what a GPU says outside of any call.
import * as tf from '@tensorflow/tfjs-core'
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu'
import { repairWasm } from '../../runtime/engines/tfjs/wasm-repairs.ts'
import { inNode, readBytes } from './files.ts'

export { tf }

export const backends = ['webgpu', 'wasm'] as const
export type Backend = (typeof backends)[number]

/** A backend that does not work here, or no longer: the message says why, and what to do. */
export class BackendError extends Error {}

export interface OpenBackend {
  readonly backend: Backend
  /** What stands behind it: the name of the GPU, or instructions and threads. */
  readonly detail: string
  /** What went wrong outside of any call since it was last asked: a GPU reports later. */
  failure(): string | undefined
}

const wasmFiles = ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm'] as const

const words = (error: unknown): string => (typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error)).split('\n')[0]

/** The bundle is built without `process`, which the wasm backend would take for a reason to load files with `require`: what tfjs asks of its surroundings is the same in Node and in a browser then. */
function setPlatform(): void {
  if (!inNode) return
  tf.env().setPlatform('mtlc', {
    fetch: (path, init) => fetch(path, init),
    now: () => performance.now(),
    encode: text => new TextEncoder().encode(text),
    decode: (bytes, encoding) => new TextDecoder(encoding).decode(bytes),
    isTypedArray: (a): a is Float32Array | Int32Array | Uint8Array | Uint8ClampedArray => a instanceof Float32Array || a instanceof Int32Array || a instanceof Uint8Array || a instanceof Uint8ClampedArray,
  })
  // Its threads are workers of a browser.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
}
setPlatform()

let wasmPlaced = false, wasmRepaired = false

/** Files are fetched; in Node they are read, and handed over as URLs that fetch knows. */
async function placeWasm(base: URL): Promise<void> {
  if (wasmPlaced) return
  const place = async (name: string): Promise<[string, string]> => [name, base.protocol === 'file:' ? URL.createObjectURL(new Blob([await readBytes(new URL(name, base))], { type: 'application/wasm' })) : new URL(name, base).href]
  setWasmPaths(Object.fromEntries(await Promise.all(wasmFiles.map(place))), true)
  wasmPlaced = true
}

/** `threads`: 0 for one per core. More than one only where the page is isolated from others, which `mtlc demo` sees to. */
async function openWasm(base: URL, threads: number): Promise<OpenBackend> {
  try {
    await placeWasm(base)
    const many = await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT') === true
    const count = many ? Math.max(1, threads || navigator.hardwareConcurrency || 1) : 1
    if (count > 1) setThreadsCount(count)
    else tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
    if (!await tf.setBackend('wasm')) throw new Error('its files could not be loaded')
    if (!wasmRepaired) repairWasm(tf)
    wasmRepaired = true
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT') === true
    return { backend: 'wasm', detail: `${simd ? 'SIMD' : 'no SIMD'}, ${count} thread${count === 1 ? '' : 's'}`, failure: () => undefined }
  } catch (error) {
    throw new BackendError(`WebAssembly does not work here: ${words(error)}`)
  }
}

/** Adapters that compute on the processor are slower than wasm, and right: they serve who asks for WebGPU by name. */
const isSoftware = (adapter: GPUAdapter): boolean => /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${adapter.info.vendor} ${adapter.info.architecture} ${adapter.info.device} ${adapter.info.description}`)

/** Kept for as long as the process lives: Dawn in Node ends it once its device is collected as garbage. */
const kept: unknown[] = []

async function openWebgpu(hardware: boolean): Promise<OpenBackend> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu
  if (gpu === undefined) throw new BackendError(inNode ? 'Node has no WebGPU of its own: set navigator.gpu by the package webgpu before the model is loaded' : globalThis.isSecureContext ? 'this browser has no WebGPU' : 'WebGPU needs https or localhost')
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
    if (adapter === null) throw new BackendError('the browser found no GPU for WebGPU')
    if (hardware && isSoftware(adapter)) throw new BackendError('the only WebGPU here computes on the processor')
    const { limits, info } = adapter
    const device = await adapter.requestDevice({
      requiredLimits: {
        maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize, maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize, maxBufferSize: limits.maxBufferSize, maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
        maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX, maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY, maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      },
    })
    kept.push(gpu, device)
    let failed: string | undefined
    void device.lost.then(({ message, reason }) => { if (reason !== 'destroyed') failed = `the GPU was lost: ${words(message)}` })
    device.addEventListener('uncapturederror', event => {
      const { error } = event as GPUUncapturedErrorEvent
      failed ??= error.constructor.name === 'GPUOutOfMemoryError' ? 'out of memory on the GPU' : words(error)
    })
    tf.removeBackend('webgpu')
    tf.registerBackend('webgpu', () => new WebGPUBackend(device, info))
    if (!await tf.setBackend('webgpu')) throw new Error('the backend did not start')
    const name = [info.description, info.device, [info.vendor, info.architecture].filter(Boolean).join(' ')].find(text => text !== '')
    return { backend: 'webgpu', detail: name ?? 'GPU', failure: () => failed }
  } catch (error) {
    throw error instanceof BackendError ? error : new BackendError(`WebGPU does not work here: ${words(error)}`)
  }
}

export interface Opened { readonly open: OpenBackend; /** why it is not the better one */ readonly note: string | undefined }

/** `auto`: WebGPU on a real GPU, else wasm. `base`: where the .wasm files lie. Throws BackendError. */
export async function openBackend(wanted: Backend | 'auto', base: URL, threads: number): Promise<Opened> {
  if (wanted === 'wasm') return { open: await openWasm(base, threads), note: undefined }
  if (wanted === 'webgpu') return { open: await openWebgpu(false), note: undefined }
  try {
    return { open: await openWebgpu(true), note: undefined }
  } catch (error) {
    if (!(error instanceof BackendError)) throw error
    return { open: await openWasm(base, threads), note: `${error.message}: WebAssembly is used` }
  }
}
