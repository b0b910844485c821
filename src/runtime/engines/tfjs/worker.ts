// The worker thread that runs tfjs: its calls compute while they are made, on all devices but the GPU.
import { serve } from '../serve.ts'
import type { LoadedDevice } from './device.ts'
import { loadDevice } from './load.ts'
import { readableTfjsError } from './messages.ts'
import { loadModule } from './module-file.ts'
import type { TfjsWorker } from './protocol.ts'
import { TfjsSession } from './state.ts'

// The line of the module lies below a dozen calls within tfjs.
Error.stackTraceLimit = 50

let device: LoadedDevice | undefined
const sources: string[] = []

const loaded = (): LoadedDevice => {
  if (device === undefined) throw new Error('internal: no device was loaded')
  return device
}

serve<TfjsWorker>('tfjs', {
  hello: async request => {
    device = await loadDevice(request)
    return { device: device.device, detail: device.detail }
  },
  open: async request => {
    sources.push(request.source)
    return new TfjsSession(loaded(), await loadModule(request.source), request, request.state)
  },
  memory: () => {
    const { numTensors, numBytes } = loaded().tf.memory()
    return { tensors: numTensors, bytes: numBytes }
  },
  explain: error => readableTfjsError(error, device?.device, sources.at(-1)),
})
