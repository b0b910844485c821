// The process in which one device is tried: a driver that crashes takes only this one down.
import { EngineError, type Engine, type HostTensors } from '../engines/engine.ts'
import { openEngine } from '../engines/index.ts'
import { operatorsOnCpu } from './fallbacks.ts'
import type { TrialAnswer, TrialRequest } from './protocol.ts'

if (process.send === undefined) throw new Error('internal: this process is started by mtlc doctor only')

const say = (answer: TrialAnswer): void => { process.send!(answer) }

async function tryDevice({ engine: name, device, program, state, feeds }: TrialRequest): Promise<void> {
  let engine: Engine | undefined
  try {
    const began = performance.now()
    engine = await openEngine({ engine: name, device })
    say({ detail: engine.detail })
    const session = await engine.open(program, state)
    const openMs = performance.now() - began
    const losses: HostTensors[] = [], stepMs: number[] = []
    for (const given of feeds) {
      const from = performance.now()
      losses.push(await session.run(given))
      stepMs.push(performance.now() - from)
    }
    const after = await session.readState()
    await session.dispose()
    say({ run: { openMs, stepMs, losses, after } })
    if (name === 'onnxruntime' && device !== 'cpu') say(await operatorsOnCpu(program, state, feeds[0], device))
  } finally {
    await engine?.close()
  }
}

// A message that has been sent arrives even if the process crashes afterwards, as drivers do when they are unloaded.
process.once('message', (request: TrialRequest) => {
  tryDevice(request).catch((error: unknown) => { say({ error: { message: error instanceof Error ? error.message : String(error), explained: error instanceof EngineError } }) })
    .finally(() => process.disconnect())
})
process.on('disconnect', () => process.exit())
