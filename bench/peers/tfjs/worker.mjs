// A live TensorFlow.js process: the hand-written network with tf.variableGrads and Adam; a training step for every line it reads, answers as JSON.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { loadDevice } from '../../../src/runtime/engines/tfjs/load.ts'
import { readSafetensors } from '../../../src/runtime/weights/safetensors.ts'
import { toFloat32 } from '../../../src/runtime/weights/tensors.ts'
import { losses } from './losses.mjs'
import { TaskPrompter } from './taskprompter.mjs'

const [folder, device] = process.argv.slice(2)
const tell = answer => { process.stdout.write(`${JSON.stringify(answer)}\n`) }
const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))

const { tf, detail } = await loadDevice({ device, threads: 2 })
const elements = t => t.dtype === 'I32' ? new Int32Array(t.bytes.slice().buffer) : toFloat32(t)
const weights = Object.fromEntries([...readSafetensors(join(folder, 'weights.safetensors')).tensors].map(([name, t]) => [name, { shape: [...t.shape], data: elements(t) }]))
const net = new TaskPrompter(tf, weights, config)
const feeds = readSafetensors(join(folder, 'feeds.safetensors')).tensors
/** Maps come NCHW from the reader of the data. */
const fed = t => {
  const given = tf.tensor(elements(t), [...t.shape], t.dtype === 'I32' ? 'int32' : 'float32')
  if (given.rank !== 4) return given
  const turned = tf.transpose(given, [0, 2, 3, 1])
  given.dispose()
  return turned
}
const total = losses(tf), parameters = Object.values(net.parameters)
const optimiser = tf.train.adam(config.lr, 0.9, 0.999, 1e-8)

function step() {
  const image = fed(feeds.get('image')), target = Object.fromEntries([...feeds].filter(([name]) => name.startsWith('target/')).map(([name, t]) => [name.slice(7), fed(t)]))
  const found = {}
  const { value, grads } = tf.variableGrads(() => {
    const parts = total(net.forward(image), target, config)
    for (const [name, loss] of Object.entries(parts)) if (name !== 'loss') found[name] = tf.keep(tf.clone(loss))
    return parts.loss
  }, parameters)
  found.loss = value
  found.grad_norm = tf.tidy(() => tf.sqrt(tf.addN(Object.values(grads).map(g => tf.sum(tf.square(g))))))
  const clipped = tf.tidy(() => {
    const factor = tf.minimum(tf.div(config.clip, tf.add(found.grad_norm, 1e-6)), 1)
    return Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, tf.mul(g, factor)]))
  })
  tf.dispose(grads)
  optimiser.applyGradients(clipped)
  tf.dispose(clipped)
  const numbers = Object.fromEntries(Object.entries(found).map(([name, t]) => [name, t.dataSync()[0]]))
  tf.dispose([image, target, found])
  return numbers
}

tell({ ready: true, runtime: detail, parameters: parameters.reduce((n, p) => n + p.size, 0) })
for await (const _line of createInterface({ input: process.stdin })) {
  const from = performance.now(), used = process.cpuUsage()
  const answer = step()
  const ms = performance.now() - from, { user, system } = process.cpuUsage(used)
  tell({ ms, cpu: (user + system) / 1000, peak: process.resourceUsage().maxRSS / 1024, tensors: tf.memory().numTensors, ...answer })
}
