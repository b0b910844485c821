// The worker's end: answers an engine's questions one after the other, and keeps its sessions.
import { parentPort } from 'node:worker_threads'
import { collectGarbage } from '../collect.ts'
import { buffersOf, type Answer, type Envelope, type Reply, type Request, type Tensors, type WorkerKind } from './worker-protocol.ts'

/** A session where it runs. */
export interface ServedSession {
  /** Values of the results, in buffers of their own. */
  run(feeds: Tensors): Promise<Tensors>
  /** Copies. */
  state(): Promise<Tensors> | Tensors
  /** What is handed over until `takeBack`; the session does not run meanwhile. */
  lend(): Promise<Tensors> | Tensors
  takeBack(state: Tensors): void
  dispose(): Promise<void> | void
}

export interface Served<K extends WorkerKind> {
  /** The first question. */
  hello(request: K['hello']): Promise<K['introduction']>
  open(request: K['open'] & { readonly state: Tensors }): Promise<ServedSession>
  memory(): { readonly tensors: number; readonly bytes: number }
  /** The text of an error as it goes to the engine; by default its message. */
  explain?(error: unknown): string
}

/** Serves this worker thread's parent until the thread is ended. */
export function serve<K extends WorkerKind>(name: string, engine: Served<K>): void {
  if (parentPort === null) throw new Error(`internal: the ${name} worker runs as a worker thread only`)
  const port = parentPort
  const sessions = new Map<number, ServedSession>()
  let opened = 0

  const find = (id: number): ServedSession => {
    const session = sessions.get(id)
    if (session === undefined) throw new Error('the session is closed')
    return session
  }

  const handle = async (request: Request<K>): Promise<Reply<K>> => {
    switch (request.kind) {
      case 'hello': return { ...await engine.hello(request), kind: 'hello' }
      case 'open': {
        const session = await engine.open(request)
        sessions.set(++opened, session)
        // What a session keeps in another form is garbage now, and so is the request once the next turn has dropped it.
        setImmediate(collectGarbage)
        return { kind: 'open', session: opened }
      }
      case 'run': return { kind: 'tensors', tensors: await find(request.session).run(request.feeds) }
      case 'state': return { kind: 'tensors', tensors: await find(request.session).state() }
      case 'lend': return { kind: 'tensors', tensors: await find(request.session).lend() }
      case 'return': {
        sessions.get(request.session)?.takeBack(request.state)
        return { kind: 'done' }
      }
      case 'memory': return { kind: 'memory', ...engine.memory() }
      case 'dispose': {
        await sessions.get(request.session)?.dispose()
        sessions.delete(request.session)
        return { kind: 'done' }
      }
    }
  }

  const answer = async ({ id, body }: Envelope<Request<K>>): Promise<void> => {
    try {
      const reply = await handle(body)
      port.postMessage({ id, body: reply } satisfies Answer<K>, reply.kind === 'tensors' ? buffersOf(reply.tensors) : [])
    } catch (error) {
      port.postMessage({ id, error: engine.explain?.(error) ?? (error instanceof Error ? error.message : String(error)) } satisfies Answer<K>)
    }
  }

  let last = Promise.resolve()
  port.on('message', (message: Envelope<Request<K>>) => { last = last.then(() => answer(message)) })
}
