// mtlc weights: look into a weights file, and convert it to safetensors.
import { Command } from 'commander'
import { readWeights } from '../runtime/weights/read.ts'
import { writeSafetensors } from '../runtime/weights/safetensors.ts'
import { toFloat32, WeightsError, type StoredTensor } from '../runtime/weights/tensors.ts'

function statistics(t: StoredTensor): { min: number; mean: number; max: number } {
  let [min, max, sum] = [Infinity, -Infinity, 0]
  const values = toFloat32(t)
  for (const v of values) { if (v < min) min = v; if (v > max) max = v; sum += v }
  return { min, mean: sum / values.length, max }
}

const inspect = (): Command => new Command('inspect')
  .description('names, dtypes, shapes and value ranges of a .safetensors, .pth or .pt file (nothing in it is executed)')
  .argument('<file>')
  .option('--json', 'one JSON document on stdout')
  .action((file: string, options: { json?: boolean }) => {
    const rows = [...readWeights(file)].map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape, ...statistics(t) }))
    if (options.json === true) { process.stdout.write(`${JSON.stringify({ file, tensors: rows }, null, 2)}\n`); return }
    const width = Math.max(4, ...rows.map(r => r.name.length))
    const shape = Math.max(5, ...rows.map(r => `[${r.shape.join(', ')}]`.length))
    for (const r of rows) process.stdout.write(`${r.name.padEnd(width)}  ${r.dtype.padEnd(4)}  ${`[${r.shape.join(', ')}]`.padEnd(shape)}  min ${r.min.toPrecision(4)}  mean ${r.mean.toPrecision(4)}  max ${r.max.toPrecision(4)}\n`)
    process.stdout.write(`${rows.length} tensors, ${rows.reduce((n, r) => n + r.shape.reduce((a, b) => a * b, 1), 0).toLocaleString('en-US')} elements\n`)
  })

const convert = (): Command => new Command('convert')
  .description('write the tensors of a checkpoint as .safetensors')
  .argument('<in>')
  .argument('<out>')
  .action((from: string, to: string) => {
    if (!to.endsWith('.safetensors')) throw new WeightsError(`${to}: only .safetensors is written: give the output that ending`)
    const tensors = readWeights(from)
    writeSafetensors(to, tensors, { format: 'pt' })
    process.stderr.write(`${to}: ${tensors.size} tensors\n`)
  })

export const weightsCommand = (): Command => new Command('weights').description('look into weights files and convert them').addCommand(inspect()).addCommand(convert())
