// Measures the peak memory of training steps, beside what the compiler foresees: node bench/memory.mjs [FILE [key=value]... [--memory SIZE]]...
// Each configuration runs `mtlc train` for two steps on a few synthetic scenes in a process of its own; peaks are those of the kernel (VmHWM), the process is ended above 21 GiB.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LIMIT = 21 * 2 ** 30

const defaults = [
  ['models/taskprompter-tiny.mtl', 'train.batch=4'],
  ['models/taskprompter-tiny.mtl', 'train.batch=4', 'data.image=192x384'],
  ['models/variants/swin-t.mtl', 'train.batch=1', 'data.image=256x512'],
  ['models/taskprompter.mtl', 'train.batch=1', 'data.image=384x768'],
  ['models/taskprompter.mtl', 'train.batch=1', 'data.image=512x1024'],
  ['models/taskprompter.mtl', 'train.batch=1'],
  ['models/taskprompter.mtl', 'train.batch=1', '--memory=14GiB'],
]

const given = process.argv.slice(2)
const configurations = given.length === 0 ? defaults : given.reduce((all, a) => a.endsWith('.mtl') ? [...all, [a]] : [...all.slice(0, -1), [...all.at(-1), a]], [])

const field = (pid, name) => { try { return 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) } catch { return 0 } }
const textOf = path => { try { return readFileSync(path, 'utf8') } catch { return '' } }
/** Of a process; where it runs itself again, of the one that works, with what the other holds alone. */
const peakOf = pid => {
  const again = textOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').find(child => textOf(`/proc/${child}/cmdline`).includes('mtlc.js'))
  return again === undefined ? field(pid, 'VmHWM') : field(again, 'VmHWM') + field(pid, 'RssAnon')
}

/** Runs mtlc; its text, seconds and peak in bytes. */
const mtlc = (...args) => new Promise((resolve, reject) => {
  const began = performance.now()
  const child = spawn(process.execPath, ['bin/mtlc.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = '', peak = 0
  child.stdout.on('data', d => { text += d })
  child.stderr.on('data', d => { text += d })
  const watch = setInterval(() => {
    peak = Math.max(peak, peakOf(child.pid))
    if (peak > LIMIT) child.kill('SIGKILL')
  }, 50)
  child.on('exit', code => {
    clearInterval(watch)
    if (code === 0) resolve({ text, peak, seconds: (performance.now() - began) / 1000 })
    else reject(new Error(`mtlc ${args.join(' ')}: exit ${code} at ${(peak / 2 ** 30).toFixed(2)} GiB\n${text}`))
  })
})

const GiB = n => `${(n / 2 ** 30).toFixed(2)} GiB`
const work = mkdtempSync(join(tmpdir(), 'mtlc-memory-'))
try {
  const data = join(work, 'data')
  for (const [file, ...fields] of configurations) {
    const options = fields.flatMap(f => f.startsWith('--') ? f.split('=') : ['--set', f])
    const size = /data\.image=(\d+x\d+)/.exec(fields.join(' '))?.[1] ?? (file.includes('tiny') ? '128x256' : '1024x2048')
    const scenes = `${data}-${size}`
    if (!existsSync(scenes)) await mtlc('data', 'synth', scenes, '--train', '4', '--val', '0', '--size', size)
    const out = join(work, 'run')
    const { text, peak, seconds } = await mtlc('train', file, ...options, '--steps', '2', '--data', scenes, '--out', out, '--no-eval', '--no-export')
    rmSync(out, { recursive: true, force: true })
    const told = /estimated to need ([\d.]+) GiB/.exec(text)?.[1]
    const estimate = told === undefined ? JSON.parse((await mtlc('summary', file, ...options, '--json')).text).trainingStep.peak : Number(told) * 2 ** 30
    console.log([file, ...fields].join(' ').padEnd(80), `measured ${GiB(peak)}  estimated ${GiB(estimate)}  ${((estimate / peak - 1) * 100).toFixed(1)}%  ${seconds.toFixed(0)} s in all`)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
