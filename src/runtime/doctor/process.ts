// The process in which one device is tried: a driver that crashes takes only this one down.
import { EngineError, type HostTensors } from '../engines/engine.ts'
import { openEngine } from '../engines/index.ts'
import { operatorsOnCpu } from './fallbacks.ts'
import type { TrialAnswer, TrialRequest } from './protocol.ts'

if (process.send === undefined) throw new Error('internal: this process is started by mtlc doctor only')

const say = (answer: TrialAnswer): void => { process.send!(answer) }

async function tryDevice({ engine: name, device, program, state, feeds }: TrialRequest): Promise<void> {
  const began = performance.now()
  const engine = await openEngine({ engine: name, device })
  say({ detail: engine.detail })
  const session = await engine.open(program, state)
  const openMs = performance.now() - began
  const losses: HostTensors[] = [], stepMs: number[] = []
  for (const given of feeds) {
    const from = performance.now()
    losses.push(await session.run(given))
    stepMs.push(performance.now() - from)
  }
  say({ run: { openMs, stepMs, losses, after: await session.readState() } })
}

// Whoever asked ends this process once it has the answer.
process.once('message', (request: TrialRequest) => {
  const done = request.ask === 'trial' ? tryDevice(request) : operatorsOnCpu(request.program, request.state, request.feeds[0], request.device).then(say)
  done.catch((error: unknown) => { say({ error: { message: error instanceof Error ? error.message : String(error), explained: error instanceof EngineError } }) })
})
process.on('disconnect', () => process.exit())
