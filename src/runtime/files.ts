// Files are written whole or not at all: a temporary name beside the target, fsync, rename.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writing failed for a reason of the machine (disk full, no permission): the message names the path and the likely fix. */
export class FileError extends Error {}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space or choose another folder',
  EDQUOT: 'the disk quota is used up: free some space or choose another folder',
  ENOENT: 'no folder or file can be made there',
  EACCES: 'no permission to write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a part of the path is a file, not a folder',
  EISDIR: 'the path is a folder',
}

/** What went wrong with a path, in words, without a stack trace. */
export function explain(path: string, error: unknown): FileError {
  const code = (error as NodeJS.ErrnoException).code
  return new FileError(`${path}: cannot be written: ${(code !== undefined && reasons[code]) || (error as Error).message}`)
}

/** Makes a folder and those above it. Not mkdirSync's `recursive`, which never returns where a file system refuses new folders with ENOENT (/proc). */
export function makeFolder(path: string, again = true): void {
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return
    const above = dirname(path)
    // Another thread may have made the folder above since.
    if (code === 'ENOENT' && again && existsSync(above)) return makeFolder(path, false)
    if (code !== 'ENOENT' || above === path || existsSync(above)) throw error
    makeFolder(above)
    makeFolder(path)
  }
}

/**
 * Writes `content` (or its chunks, in order) so that `path` either holds all of it or is left as it was. Makes missing folders. Throws FileError.
 * `durable: false` leaves it to the system when the bytes reach the disk: for many small files that can be made again.
 */
export function writeAtomically(path: string, content: string | Uint8Array | Iterable<Uint8Array>, { durable = true }: { readonly durable?: boolean } = {}): void {
  const temporary = `${path}.${process.pid}.tmp`
  let fd: number | undefined
  try {
    makeFolder(dirname(path))
    fd = openSync(temporary, 'w')
    const chunks = typeof content === 'string' ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content
    for (const chunk of chunks) for (let done = 0; done < chunk.byteLength;) done += writeSync(fd, chunk, done, Math.min(chunk.byteLength - done, 1 << 30))
    if (durable) fsyncSync(fd)
    renameSync(temporary, path)
    closeSync(fd)
  } catch (error) {
    if (fd !== undefined) { closeSync(fd); rmSync(temporary, { force: true }) }
    throw explain(path, error)
  }
}
