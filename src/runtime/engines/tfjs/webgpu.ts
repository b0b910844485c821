// The device `webgpu`: tfjs's WebGPU backend over Dawn, which the npm package `webgpu` brings to Node.
import { pathToFileURL } from 'node:url'
import { DeviceError, type LoadedDevice, type Tf } from './device.ts'
import { packageRoot } from '../../worker-path.ts'
import { locate, ours } from './locate.ts'

const HOW = 'run npm install webgpu'

interface Dawn { readonly create: (flags: string[]) => GPU; readonly globals: Record<string, unknown> }

/** Kept for as long as the thread lives: once it is collected as garbage, the next call into Dawn ends the process. */
let gpu: GPU | undefined

const DRIVER = 'it needs a GPU with a Vulkan driver (vulkaninfo --summary lists them; VK_ICD_FILENAMES names another driver)'

/** What Dawn reports of a device becomes an error of the work that waits, or of the next; a device that is lost stays so. */
function watchDevice(device: GPUDevice): LoadedDevice['watch'] {
  let lost: Error | undefined, pending: Error | undefined
  const waiting = new Set<(error: Error) => void>()
  const fail = (error: Error): void => {
    if (waiting.size === 0) pending ??= error
    for (const reject of waiting) reject(error)
  }
  void device.lost.then(({ message }) => {
    lost = new Error(`the GPU was lost (${message.split('\n')[0]}): training goes on from the last checkpoint with --resume, here or with another --device`)
    fail(lost)
  })
  device.addEventListener('uncapturederror', event => {
    const { error } = event as GPUUncapturedErrorEvent, text = error.message.split('\n')[0]
    const memory = error.constructor.name === 'GPUOutOfMemoryError' || /exceeds the max buffer size|out of memory/i.test(text)
    fail(new Error(memory ? `out of memory on the GPU: use a smaller batch or image (${text})` : text))
  })
  return async <T>(work: Promise<T>): Promise<T> => {
    const before = lost ?? pending
    pending = undefined
    let reject: (error: Error) => void = () => {}
    const failure = new Promise<never>((_, no) => { reject = no })
    waiting.add(reject)
    if (before !== undefined) reject(before)
    try { return await Promise.race([failure, work]) } finally {
      waiting.delete(reject)
      // Whichever comes last is no longer awaited.
      work.catch(() => {})
    }
  }
}

/** `hardware`: a driver that computes on the processor is refused. Throws DeviceError where the package or a GPU is missing. */
export async function loadWebgpu({ hardware = false }: { readonly hardware?: boolean } = {}): Promise<LoadedDevice> {
  const found = locate(['webgpu'], [process.cwd(), packageRoot()])
  if (found === undefined) throw new DeviceError(`tfjs on webgpu needs the package webgpu, which is not installed: ${HOW}`)
  let adapter: GPUAdapter | null
  try {
    const { create, globals } = await import(pathToFileURL(found.path).href) as Dawn
    for (const [name, value] of Object.entries(globals)) if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    gpu ??= create([])
    // Node 21 and later have a navigator of their own, which cannot be assigned to.
    Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true, writable: true })
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  } catch (error) {
    throw new DeviceError(`the package webgpu cannot be used here (${error instanceof Error ? error.message.split('\n')[0] : String(error)}): ${DRIVER}`)
  }
  if (adapter === null) throw new DeviceError(`no GPU was found for WebGPU: ${DRIVER}`)
  const { info } = adapter as GPUAdapter & { readonly info: GPUAdapterInfo }, { vendor, architecture, description } = info
  const name = [description, vendor, architecture].find(text => text !== '') ?? 'unknown'
  if (hardware && /swiftshader|llvmpipe|lavapipe/i.test(`${description} ${vendor} ${architecture}`)) throw new DeviceError(`the only driver for WebGPU computes on the processor (${name})`)
  const { limits } = adapter
  const device = await adapter.requestDevice({
    requiredLimits: {
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize, maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize, maxBufferSize: limits.maxBufferSize, maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX, maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY, maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  })
  const watch = watchDevice(device)
  // The backend looks for a navigator when it is loaded.
  const tf = ours('@tensorflow/tfjs-core') as Tf, { WebGPUBackend } = ours('@tensorflow/tfjs-backend-webgpu') as typeof import('@tensorflow/tfjs-backend-webgpu')
  tf.removeBackend('webgpu')
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, info))
  await tf.setBackend('webgpu')
  return { device: 'webgpu', tf, detail: `@tensorflow/tfjs-backend-webgpu ${tf.version_core}, Dawn, ${name}`, watch }
}
