// Images that cannot be read and threads that die: what stands in for them, and when it is enough.
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { DataError } from '../../src/runtime/data/dataset.ts'
import { WorkerPool } from '../../src/runtime/data/pool.ts'
import { loadReplacing } from '../../src/runtime/data/replace.ts'

const threads = vi.hoisted(() => [] as { emit(name: string, value: unknown): boolean; posted: { id: number; content: string }[] }[])
vi.mock('node:worker_threads', () => ({
  Worker: class extends EventEmitter {
    readonly posted: { id: number; content: string }[] = []
    constructor() { super(); threads.push(this) }
    postMessage(job: { id: number; content: string }): void { this.posted.push(job) }
    terminate(): Promise<number> { return Promise.resolve(0) }
  },
}))

describe('replacing', () => {
  /** Feeds that name the samples and their places. */
  const loader = (bad: readonly number[]) => ({
    load: (indices: readonly number[], place = 0) => {
      const broken = indices.find(i => bad.includes(i))
      return broken === undefined ? Promise.resolve({ image: { dtype: 'int32', shape: [2], data: Int32Array.from([...indices, place]) } } as const) : Promise.reject(new DataError(`${broken}.png: is damaged`))
    },
  })
  it('takes the next image that can be read, and keeps the others', async () => {
    const { feeds, indices, unreadable } = await loadReplacing(loader([4, 5, 0]), { indices: [2, 4], place: 8 }, 6)
    expect([feeds.image.data, indices, unreadable]).toEqual([Int32Array.of(2, 1, 8), [2, 1], [4, 5, 0].map(i => ({ index: i, reason: `${i}.png: is damaged` }))])
    expect((await loadReplacing(loader([]), { indices: [2, 4], place: 8 }, 6)).unreadable).toEqual([])
  })
  it('gives up after ten in a row, or when there are no others', async () => {
    await expect(loadReplacing(loader([0, 1]), { indices: [1], place: 0 }, 2)).rejects.toThrow(/^2 images in a row cannot be read, the last of them:\n0.png: is damaged$/)
    await expect(loadReplacing(loader(Array.from({ length: 40 }, (_, i) => i)), { indices: [1], place: 0 }, 50)).rejects.toThrow(/^10 images in a row/)
    await expect(loadReplacing({ load: () => Promise.reject(new Error('internal: x')) }, { indices: [1], place: 0 }, 50)).rejects.toThrow('internal: x')
  })
})

describe('a pool whose threads die', () => {
  const start = (size: number): { pool: WorkerPool; notes: string[] } => {
    threads.length = 0
    const notes: string[] = []
    return { pool: new WorkerPool(size, {}, text => notes.push(text)), notes }
  }
  it('starts a thread again and does its job again, before those that wait', async () => {
    const { pool, notes } = start(1)
    const [a, b] = [pool.run('a'), pool.run('b')]
    threads[0].emit('error', new Error('out of memory'))
    threads[0].emit('exit', 1)
    expect(threads[1].posted.map(j => j.content)).toEqual(['a'])
    threads[1].emit('message', { id: 0, result: 'A' })
    threads[1].emit('message', { id: 1, result: 'B' })
    expect(await Promise.all([a, b])).toEqual(['A', 'B'])
    expect(notes).toEqual(['note: a data worker stopped: out of memory. It is started again'])
    await pool.close()
  })
  it('gives up when the same job ends a second thread', async () => {
    const { pool } = start(1)
    const run = pool.run('a').catch((e: unknown) => e)
    threads[0].emit('exit', 134)
    threads[1].emit('exit', 134)
    const error = await run
    expect(error).toBeInstanceOf(DataError)
    expect((error as Error).message).toBe('a data worker ended with code 134: was it stopped from outside? The last checkpoint is untouched')
    await expect(pool.run('b')).rejects.toThrow('ended with code 134')
  })
  it('gives up after the third death, of idle threads too', async () => {
    const { pool } = start(2)
    for (let i = 0; i < 4; i++) threads[i].emit('exit', 1)
    await expect(pool.run('a')).rejects.toThrow('ended with code 1')
    expect(threads).toHaveLength(5)
  })
})
