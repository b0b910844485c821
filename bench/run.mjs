// npm run bench [-- rate tiny swin-t full compile score]: mtlc against PyTorch (--peer=tfjs: against TensorFlow.js), in interleaved pairs of live processes; medians of ratios, peak memory, the machine.
import { build } from 'esbuild'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'

const bundles = join('node_modules', '.cache', 'mtlc-bench')
await build({
  entryPoints: ['bench/worker.ts', 'bench/prepare.ts', 'bench/compile-times.ts', 'bench/product-rate.ts', 'bench/peers/onnx-worker.ts', 'bench/peers/tfjs/worker.mjs', 'bench/counts.ts', 'bench/score.ts'], outdir: bundles, bundle: true, splitting: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', logLevel: 'warning',
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
})

// Debian's PyTorch belongs to Debian's Python.
const python = process.env.PYTHON ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3')
const median = values => values.toSorted((a, b) => a - b)[values.length >> 1]
const ratio = v => v.toFixed(2)

/** A process that answers each line with a line of JSON. */
class Side {
  constructor(command, args, env = {}) {
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
    this.buffer = ''
    this.waiting = []
    this.child.stdout.on('data', chunk => {
      this.buffer += chunk
      for (let end = this.buffer.indexOf('\n'); end >= 0; end = this.buffer.indexOf('\n')) {
        const line = this.buffer.slice(0, end)
        this.buffer = this.buffer.slice(end + 1)
        this.waiting.shift()?.resolve(JSON.parse(line))
      }
    })
    this.child.on('exit', code => this.waiting.forEach(w => w.reject(new Error(`${command} ${args.join(' ')} ended with ${code}`))))
  }
  next() { return new Promise((resolve, reject) => this.waiting.push({ resolve, reject })) }
  ask(line) {
    const answer = this.next()
    this.child.stdin.write(`${line}\n`)
    return answer
  }
  end() {
    this.child.stdin.end()
    return new Promise(resolve => this.child.exitCode === null ? this.child.on('exit', resolve) : resolve())
  }
}

const mtlc = (name, mode, folder) => new Side('node', ['--max-old-space-size=16384', join(bundles, 'worker.js'), name, mode, folder, peer === 'tfjs' ? 'tfjs/tensorflow' : 'auto', ...(budget === undefined ? [] : [budget])])
/** The PyTorch process, or what else the network is compared with: `compile` is torch.compile, `onnx` the network exported by PyTorch and run by onnxruntime (inference), `tfjs` the network hand-written in TensorFlow.js with its own autodiff (training; then mtlc too runs on tfjs, device tensorflow). */
const peers = {
  torch: (folder, mode) => new Side(python, ['bench/peers/worker.py', folder, mode], torchSettings),
  compile: (folder, mode) => new Side(python, ['bench/peers/worker.py', folder, mode, '--compile'], torchSettings),
  tfjs: folder => new Side('node', [join(bundles, 'peers', 'tfjs', 'worker.js'), folder, 'tensorflow']),
  onnx: folder => {
    const { stdout, status } = spawnSync(python, ['bench/peers/worker.py', folder, 'export'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...torchSettings } })
    if (status !== 0) throw new Error('PyTorch did not export the network')
    writeFileSync(join(folder, 'export.json'), stdout.trim().split('\n').at(-1))
    return new Side('node', [join(bundles, 'peers', 'onnx-worker.js'), folder])
  },
}
const torchSettings = { OMP_WAIT_POLICY: 'passive', OMP_NUM_THREADS: '2', OPENBLAS_NUM_THREADS: '2', OPENBLAS_THREAD_TIMEOUT: '4' }
const nameOf = { torch: 'PyTorch', compile: 'torch.compile', onnx: 'onnxruntime', tfjs: 'tfjs by hand' }

function readTensors(path) {
  const bytes = readFileSync(path)
  const size = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, 8 + size).toString())
  return Object.fromEntries(Object.entries(header).filter(([n]) => n !== '__metadata__').map(([n, { data_offsets: [a, b] }]) => [n, new Float32Array(bytes.buffer.slice(bytes.byteOffset + 8 + size + a, bytes.byteOffset + 8 + size + b))]))
}

/** The largest difference of any output over its largest value. */
function outputDifference(folder) {
  const ours = readTensors(join(folder, 'mtlc.safetensors')), theirs = readTensors(join(folder, 'peer.safetensors'))
  let worst = ['', 0]
  for (const [name, value] of Object.entries(theirs)) {
    const mine = ours[name]
    if (mine?.length !== value.length) throw new Error(`output ${name}: ${mine?.length} elements here, ${value.length} there`)
    let difference = 0, scale = 0
    value.forEach((v, i) => { difference = Math.max(difference, Math.abs(v - mine[i])); scale = Math.max(scale, Math.abs(v)) })
    if (!(difference / scale <= worst[1])) worst = [name, difference / scale]
  }
  return worst
}

async function compare(name, mode, rounds, checkOnly) {
  if (peer === 'tfjs' && (mode === 'infer' || name !== 'tiny')) throw new Error('the peer tfjs only trains the tiny network: npm run bench -- tiny --peer=tfjs')
  if (peer === 'onnx' && mode !== 'infer') throw new Error('the peer onnx only infers: npm run bench -- NAME-infer --peer=onnx')
  const folder = join(tmpdir(), 'mtlc-bench', name)
  mkdirSync(folder, { recursive: true })
  const made = spawnSync('node', ['--max-old-space-size=16384', join(bundles, 'prepare.js'), name, folder], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (made.status !== 0) throw new Error(`the case ${name} could not be made`)
  const ours = mtlc(name, mode, folder), [ready] = [await ours.next()]
  const theirs = peers[peer](folder, mode), hello = await theirs.next(), other = nameOf[peer]
  console.log(`\n${name}, ${mode === 'infer' ? 'inference' : 'training step'}: mtlc ${ready.nodes} operators, compiled in ${((ready.elaborateMs + ready.compileMs) / 1000).toFixed(1)} s, session ${(ready.openMs / 1000).toFixed(1)} s; ${peer === 'tfjs' ? `tfjs with tf.variableGrads, ${hello.parameters.toLocaleString('en-US')} parameters; ${hello.runtime}` : peer === 'onnx' ? `onnxruntime ${hello.runtime} on what PyTorch ${hello.torch} exported (${hello.exporter})` : `${other === 'PyTorch' ? 'PyTorch' : 'torch.compile of PyTorch'} ${hello.torch}, ${hello.parameters.toLocaleString('en-US')} parameters`}`)
  if (mode === 'infer') {
    await theirs.ask('check')
    await ours.ask('check')
    const [output, off] = outputDifference(folder)
    console.log(`  outputs agree to ${off.toExponential(1)} of their maximum (worst: ${output})`)
    if (!(off < 1e-4)) process.exitCode = 1
  } else {
    const a = await ours.ask('step'), b = await theirs.ask('step')
    const off = ['loss', 'semseg', 'depth', '3ddet', 'grad_norm'].map(k => [k, Math.abs(a[k] - b[k]) / Math.abs(b[k])])
    console.log(`  first step: ${off.map(([k, d]) => `${k} ${a[k].toPrecision(6)} (${d.toExponential(0)})`).join(', ')}`)
    if (off.some(([k, d]) => !(d < (k === 'grad_norm' ? 1e-3 : 1e-5)))) process.exitCode = 1
  }
  if (!checkOnly) {
    const a = [], b = [], used = []
    let last
    for (let i = 0; i < rounds; i++) {
      const pair = {}
      for (const side of i % 2 === 0 ? ['a', 'b'] : ['b', 'a']) pair[side] = await (side === 'a' ? ours : theirs).ask(mode === 'infer' ? 'infer' : 'step')
      if (i > 0 || rounds < 4) { a.push(pair.a.ms); b.push(pair.b.ms); used.push(pair.a.cpu / pair.b.cpu) }
      last = pair
    }
    console.log(`  time: median ratio ${ratio(median(a.map((v, i) => v / b[i])))}, min/min ${ratio(Math.min(...a) / Math.min(...b))}; mtlc median ${median(a).toFixed(0)} ms, min ${Math.min(...a).toFixed(0)}; ${other} ${median(b).toFixed(0)}, ${Math.min(...b).toFixed(0)} (${a.length} pairs)`)
    console.log(`  processor time: median ratio ${ratio(median(used))}; mtlc ${last.a.cpu.toFixed(0)} ms, ${other} ${last.b.cpu.toFixed(0)} ms in the last pair`)
    console.log(`  peak memory: mtlc ${last.a.peak.toFixed(0)} MiB, ${other} ${last.b.peak.toFixed(0)} MiB: ${ratio(last.a.peak / last.b.peak)}${ready.compilePeak === undefined ? '' : `; mtlc's compiler, in a process of its own that has ended before, ${ready.compilePeak.toFixed(0)} MiB`}`)
  }
  await Promise.all([ours.end(), theirs.end()])
}

function compileTimes() {
  console.log('\ncompile times of models/taskprompter.mtl (fresh process each)')
  for (const depth of [6, 18, 54]) {
    const { stdout, status } = spawnSync('node', [join(bundles, 'compile-times.js'), String(depth)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    if (status !== 0) throw new Error('compiling failed')
    console.log(`  ${stdout.trim()}`)
  }
  if (existsSync('dist/mtlc.js')) {
    const from = performance.now()
    spawnSync('node', ['bin/mtlc.js', 'check', 'models/taskprompter.mtl'])
    console.log(`  mtlc check models/taskprompter.mtl: ${(performance.now() - from).toFixed(0)} ms with the start of the process`)
  }
}

const args = process.argv.slice(2)
const wanted = args.filter(a => !a.startsWith('--'))
const rounds = Number(args.find(a => a.startsWith('--rounds='))?.slice(9) ?? 12)
const peer = args.find(a => a.startsWith('--peer='))?.slice(7) ?? 'torch'
if (!(peer in peers)) throw new Error(`there is no peer "${peer}": choose one of ${Object.keys(peers).join(', ')}`)
const checkOnly = args.includes('--check')
/** what a training step is to fit into, as `mtlc train --memory` */
const budget = args.find(a => a.startsWith('--memory='))?.slice(9)
const chosen = wanted.length > 0 ? wanted : ['rate', 'tiny', 'swin-t', 'compile']
const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`
console.log(`${cpus()[0].model}, ${cpus().length} logical cores, ${memory}; load ${loadavg()[0].toFixed(1)}; Node ${process.version}; two threads on both sides, OMP_WAIT_POLICY=passive for PyTorch`)
for (const name of chosen) {
  if (name === 'rate') { spawnSync('node', [join(bundles, 'product-rate.js')], { stdio: 'inherit' }); continue }
  if (name === 'score') { spawnSync('node', [join(bundles, 'score.js')], { stdio: 'inherit' }); continue }
  if (name === 'counts') { spawnSync('node', [join(bundles, 'counts.js'), 'tiny', 'swin-t', 'full'], { stdio: 'inherit' }); continue }
  if (name === 'compile') compileTimes()
  else if (name.endsWith('-infer')) await compare(name.slice(0, -6), 'infer', rounds, checkOnly)
  else await compare(name, name === 'full' ? 'infer' : 'train', name === 'full' ? Math.min(rounds, 3) : rounds, checkOnly)
}
