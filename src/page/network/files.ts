// Files of an exported model: fetched in a browser, read in Node.

/** A file that cannot be loaded: the message says which, and why. */
export class LoadError extends Error {}

export const inNode = typeof window === 'undefined' && typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === 'undefined'

/** `onBytes` gets the number of bytes so far. Throws LoadError. */
export async function readBytes(url: URL, onBytes?: (bytes: number) => void): Promise<ArrayBuffer> {
  if (url.protocol === 'file:') return readFromDisk(url)
  let response
  try { response = await fetch(url) } catch { throw new LoadError(`${url.pathname} could not be fetched: the server does not answer`) }
  if (!response.ok || response.body === null) throw new LoadError(`${url.pathname} could not be fetched: the server says ${response.status} ${response.statusText}`)
  const parts: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch(() => { throw new LoadError(`${url.pathname} could not be fetched: the connection broke after ${bytes} bytes`) })
    if (done) break
    parts.push(value)
    bytes += value.length
    onBytes?.(bytes)
  }
  return new Blob(parts).arrayBuffer()
}

async function readFromDisk(url: URL): Promise<ArrayBuffer> {
  const { readFile } = await import('node:fs/promises')
  try {
    const { buffer, byteOffset, byteLength } = await readFile(url)
    return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
  } catch (error) {
    throw new LoadError(`${url.pathname} cannot be read: ${(error as Error).message}`)
  }
}
