// A server of one folder's files, for this machine alone, with the headers that let WebAssembly use threads.
import { createReadStream } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { extname, join, sep } from 'node:path'
import { pipeline } from 'node:stream'

/** A server that cannot start: the message says why, and what to do. */
export class ServeError extends Error {}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.json': 'application/json; charset=utf-8', '.md': 'text/markdown; charset=utf-8',
  '.png': 'image/png', '.wasm': 'application/wasm', '.safetensors': 'application/octet-stream',
}

/** Shared memory between threads is only for pages that no other page can look into. */
const always = {
  'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp', 'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-cache',
}

function refuse(response: ServerResponse, status: number, words: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...always, ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${words}\n`)
}

/** The file that a request is for; undefined where there is none inside of `root`, also by way of links. `root` is a real path. */
async function fileOf(root: string, url: string): Promise<{ readonly path: string; readonly size: number; readonly tag: string } | undefined> {
  let name: string
  try { name = decodeURIComponent(new URL(url, 'http://localhost').pathname) } catch { return undefined }
  if (/[\\\0]/.test(name)) return undefined
  try {
    const path = await realpath(join(root, name.endsWith('/') ? `${name}index.html` : name))
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined
    const { size, mtimeMs } = await stat(path).then(s => (s.isFile() ? s : Promise.reject(new Error('no file'))))
    return { path, size, tag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"` }
  } catch { return undefined }
}

async function answer(root: string, { method, url = '/', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'only GET and HEAD are answered', { Allow: 'GET, HEAD' })
  const file = await fileOf(root, url)
  if (file === undefined) return refuse(response, 404, 'no such file')
  if (headers['if-none-match'] === file.tag) {
    response.writeHead(304, { ...always, ETag: file.tag }).end()
    return
  }
  response.writeHead(200, { ...always, ETag: file.tag, 'Content-Type': types[extname(file.path)] ?? 'application/octet-stream', 'Content-Length': file.size })
  if (method === 'HEAD') response.end()
  // A reader that goes away in the middle is no error of ours.
  else pipeline(createReadStream(file.path), response, () => {})
}

export interface Serving { readonly url: string; close(): Promise<void> }

/** Port 0 takes any that is free. Throws ServeError where the port cannot be had. */
export async function serveFolder(dir: string, port: number): Promise<Serving> {
  const root = await realpath(dir)
  const server: Server = createServer((request, response) => { answer(root, request, response).catch(() => refuse(response, 500, 'the file cannot be read')) })
  await new Promise<void>((ready, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : error.code === 'EACCES' ? 'needs more rights than this user has' : `cannot be used (${error.message})`
      fail(new ServeError(`port ${port} ${why}: choose another with --port, or --port 0 for any that is free`))
    })
    server.listen(port, '127.0.0.1', ready)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('internal: the server has no port')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    close: () => new Promise(done => { server.close(() => done()); server.closeAllConnections() }),
  }
}
