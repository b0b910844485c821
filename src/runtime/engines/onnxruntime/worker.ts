// The worker thread that runs onnxruntime: its run() blocks the thread it is called on.
import { parentPort } from 'node:worker_threads'
import { collectGarbage } from '../../collect.ts'
import type { Ort } from './fetch.ts'
import { zeroCopyWorks } from './fetch.ts'
import type { Answer, Envelope, Reply, Request } from './protocol.ts'
import { sessionOptions, StatefulSession } from './state.ts'

if (parentPort === null) throw new Error('internal: the onnxruntime worker runs as a worker thread only')
const port = parentPort
const sessions = new Map<number, StatefulSession>()
let ort: Ort | undefined
let opened = 0

const load = async (): Promise<Ort> => {
  const module = await import('onnxruntime-node') as Ort & { default?: Ort }
  return ort ??= module.default ?? module
}

const find = (id: number): StatefulSession => {
  const session = sessions.get(id)
  if (session === undefined) throw new Error('the session is closed')
  return session
}

async function handle(request: Request): Promise<Reply> {
  const runtime = await load()
  switch (request.kind) {
    case 'hello': return { kind: 'hello', version: runtime.env.versions.node ?? runtime.env.versions.common, zeroCopy: request.zeroCopy && await zeroCopyWorks(runtime, sessionOptions('cpu', 1)) }
    case 'open': {
      const session = await StatefulSession.open(runtime, request)
      sessions.set(++opened, session)
      // What a session keeps in another form (members of groups) is garbage now, and so are the model's bytes once the next turn has dropped the request.
      setImmediate(collectGarbage)
      return { kind: 'open', session: opened }
    }
    case 'run': return { kind: 'tensors', tensors: await find(request.session).run(request.feeds) }
    case 'state': return { kind: 'tensors', tensors: find(request.session).state() }
    case 'lend': return { kind: 'tensors', tensors: find(request.session).lend() }
    case 'return': {
      sessions.get(request.session)?.takeBack(request.state)
      return { kind: 'done' }
    }
    case 'dispose': {
      await sessions.get(request.session)?.dispose()
      sessions.delete(request.session)
      return { kind: 'done' }
    }
  }
}

async function answer({ id, body }: Envelope<Request>): Promise<void> {
  try {
    const reply = await handle(body)
    const buffers = reply.kind === 'tensors' ? [...new Set(Object.values(reply.tensors).map(t => t.data.buffer as ArrayBuffer))] : []
    port.postMessage({ id, body: reply } satisfies Answer, buffers)
  } catch (error) {
    port.postMessage({ id, error: error instanceof Error ? error.message : String(error) } satisfies Answer)
  }
}

let last = Promise.resolve()
port.on('message', (message: Envelope<Request>) => { last = last.then(() => answer(message)) })
