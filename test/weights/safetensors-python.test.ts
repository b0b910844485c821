// Our .safetensors files, opened by the format's own Python package.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { writeSafetensors } from '../../src/runtime/weights/safetensors.ts'
import { storeTensor } from '../../src/runtime/weights/tensors.ts'

const python = process.env.PYTHON ?? 'python3'
const hasPackage = spawnSync(python, ['-c', 'import safetensors, numpy']).status === 0
if (!hasPackage) console.warn(`The Python package safetensors does not open our files in this run: ${python} has no safetensors or no numpy (pip install safetensors numpy, or PYTHON=... names another interpreter)`)

const script = `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], 'np') as f:
    print(json.dumps({'metadata': f.metadata(), 'tensors': {k: [str(f.get_tensor(k).dtype), list(f.get_tensor(k).shape), f.get_tensor(k).flatten().tolist()] for k in f.keys()}}))
`

it.skipIf(!hasPackage)('a file of ours is one of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mtlc-safetensors-'))
  try {
    const path = join(folder, 'a.safetensors')
    writeSafetensors(path, new Map([
      ['net.weight', storeTensor({ dtype: 'float32', shape: [2, 3], data: Float32Array.from([1, -2, 0.5, 3e10, 1e-30, 0]) })],
      ['net.count', storeTensor({ dtype: 'int32', shape: [], data: Int32Array.of(-7) })],
    ]), { format: 'pt', step: '12' })
    const { stdout, stderr } = spawnSync(python, ['-c', script, path], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      metadata: { format: 'pt', step: '12' },
      tensors: { 'net.weight': ['float32', [2, 3], [1, -2, 0.5, Math.fround(3e10), Math.fround(1e-30), 0]], 'net.count': ['int32', [], [-7]] },
    })
  } finally { rmSync(folder, { recursive: true, force: true }) }
})
