// The files of a model exported for TensorFlow.js: their names, and how such a folder is known.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dataError } from '../data/errors.ts'

export const names = {
  module: 'model.js', prepare: 'prepare.js', bundle: 'bundle.js', facts: 'model.json', index: 'model.safetensors.index.json', package: 'package.json', readme: 'README.md', page: 'index.html', scenes: 'scenes',
} as const

/** Value of `format` in model.json. */
export const format = 'mtlc tfjs model'

/** Whether a folder holds an exported model. */
export function isExport(dir: string): boolean {
  const path = join(dir, names.facts)
  if (!existsSync(path)) return false
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { format?: unknown }).format === format
  } catch { return false }
}

/** Throws DataError unless `dir` is missing, empty or an earlier export, which will be replaced. */
export function requireReplaceable(dir: string): void {
  const status = statSync(dir, { throwIfNoEntry: false })
  if (status === undefined) return
  const expected = 'a new or empty folder, or an earlier export', fix = 'choose another folder for --tfjs'
  if (!status.isDirectory()) throw dataError(dir, { found: 'is a file', expected, fix })
  const held = readdirSync(dir)
  if (held.length > 0 && !isExport(dir)) throw dataError(dir, { found: `holds ${held.slice(0, 4).join(', ')}`, expected, fix })
}
