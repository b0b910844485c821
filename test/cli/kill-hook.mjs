// Loaded before mtlc: ends its process with SIGKILL at a chosen write to a file, before it, in the middle of it or after it. KILL_AT is "COUNT PART", COUNT from 1.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const [count, part] = (process.env.KILL_AT ?? '').split(' ')
const die = () => process.kill(process.pid, 'SIGKILL')
let done = 0

/** `half` does a part of the work. */
const watched = (original, half) => (...args) => {
  if (++done !== Number(count)) return original(...args)
  if (part === 'half') half(...args)
  if (part === 'after') original(...args)
  return die()
}

// The compiler's process has IPC and writes nothing of a run.
if (isMainThread && count !== '' && process.send === undefined) {
  const { writeSync, appendFileSync, writeFileSync, renameSync, fsyncSync, linkSync, rmSync } = fs
  const halfOf = data => Buffer.from(data).subarray(0, Math.floor(Buffer.from(data).length / 2))
  Object.assign(fs, {
    writeSync: watched(writeSync, (fd, chunk, offset = 0, length = chunk.byteLength - offset) => writeSync(fd, chunk, offset, Math.floor(length / 2))),
    appendFileSync: watched(appendFileSync, (path, data) => appendFileSync(path, halfOf(data))),
    writeFileSync: watched(writeFileSync, (path, data) => writeFileSync(path, halfOf(data))),
    renameSync: watched(renameSync, () => {}),
    fsyncSync: watched(fsyncSync, () => {}),
    linkSync: watched(linkSync, () => {}),
    rmSync: watched(rmSync, () => {}),
  })
  syncBuiltinESMExports()
}
