// The server of exported models: what it gives away, and what it does not.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveFolder, type Serving } from '../../src/runtime/serve/static.ts'

const dir = mkdtempSync(join(tmpdir(), 'mtlc-serve-'))
const root = join(dir, 'root')
let server: Serving
beforeAll(async () => {
  mkdirSync(join(root, 'inner'), { recursive: true })
  mkdirSync(join(dir, 'root-beside'))
  for (const [name, text] of [['root/index.html', '<p>page'], ['root/inner/a b.json', '{}'], ['root/run.wasm', 'wasm'], ['secret.txt', 'secret'], ['root-beside/secret.txt', 'secret']]) writeFileSync(join(dir, name), text)
  symlinkSync(join(dir, 'secret.txt'), join(root, 'link.txt'))
  server = await serveFolder(root, 0)
})
afterAll(async () => {
  await server.close()
  rmSync(dir, { recursive: true })
})

interface Answer { readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly body: string }

/** The path goes out as it is: fetch would tidy it up. */
const ask = (path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> => new Promise((done, fail) => {
  const { hostname, port } = new URL(server.url)
  const sent = request({ hostname, port, path, method, headers }, response => {
    let body = ''
    response.on('data', chunk => { body += chunk })
    response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body }))
  })
  sent.on('error', fail)
  sent.end()
})

it.each([['/', '<p>page', 'text/html; charset=utf-8'], ['/index.html?backend=wasm', '<p>page', 'text/html; charset=utf-8'], ['/inner/a%20b.json', '{}', 'application/json; charset=utf-8'], ['/run.wasm', 'wasm', 'application/wasm']])('%s', async (path, body, type) => {
  const answer = await ask(path)
  expect([answer.status, answer.body, answer.headers['content-type']]).toEqual([200, body, type])
  expect(answer.headers).toMatchObject({ 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp', 'x-content-type-options': 'nosniff' })
})

it.each(['/../secret.txt', '/inner/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/..%5csecret.txt', '/%2e%2e%2f%2e%2e%2fetc/passwd', '//etc/passwd', '/../root-beside/secret.txt', '/link.txt', '/inner', '/nothing', '/%00', '/%zz', '/index.html/'])('%s is no file here', async path => {
  const answer = await ask(path)
  expect([answer.status, answer.body]).toEqual([404, 'no such file\n'])
})

describe('the rest of the protocol', () => {
  it('HEAD has no body, other methods are refused', async () => {
    expect(await ask('/', 'HEAD')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '7' } })
    expect(await ask('/', 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })
  it('what has not changed is not sent again', async () => {
    const { headers } = await ask('/run.wasm')
    expect(await ask('/run.wasm', 'GET', { 'If-None-Match': String(headers.etag) })).toMatchObject({ status: 304, body: '' })
  })
  it('a port that is in use is explained', async () => {
    const { port } = new URL(server.url)
    await expect(serveFolder(root, Number(port))).rejects.toThrow(`port ${port} is in use: choose another with --port`)
  })
})
