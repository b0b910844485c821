// The worker thread that runs onnxruntime: its run() blocks the thread it is called on.
import { serve } from '../serve.ts'
import { DeviceSession } from './device-state.ts'
import type { Ort } from './fetch.ts'
import { zeroCopyWorks } from './fetch.ts'
import { keepsStateOn, type OnnxRuntimeWorker } from './protocol.ts'
import { sessionOptions, StatefulSession } from './state.ts'

let ort: Ort | undefined

const load = async (): Promise<Ort> => {
  const module = await import('onnxruntime-node') as Ort & { default?: Ort }
  return ort ??= module.default ?? module
}

serve<OnnxRuntimeWorker>('onnxruntime', {
  hello: async request => {
    const runtime = await load()
    return { version: runtime.env.versions.node ?? runtime.env.versions.common, zeroCopy: request.zeroCopy && await zeroCopyWorks(runtime, sessionOptions('cpu', 1)) }
  },
  open: async request => (keepsStateOn(request.device) ? DeviceSession : StatefulSession).open(await load(), request),
  memory: () => ({ tensors: 0, bytes: 0 }),
})
