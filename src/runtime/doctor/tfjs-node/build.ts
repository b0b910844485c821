// Builds @tensorflow/tfjs-node against the libtensorflow inside a Python wheel, because the download of the package's own libtensorflow is refused.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { sharedFolder } from '../../engines/tfjs/locate.ts'
import { explain } from '../../files.ts'
import { BuildError, runCommand, tail } from './commands.ts'
import { checkTools } from './tools.ts'
import { CC_LIBRARY, downloadWheel, extractWheel, FRAMEWORK_LIBRARY, inspectWheel } from './wheel.ts'

export { BuildError } from './commands.ts'

const PACKAGE = '@tensorflow/tfjs-node', VERSION = '4.22.0'

export interface BuildOptions {
  /** A wheel of TensorFlow; pip is asked for one where undefined. */
  readonly wheel?: string
  /** The folder that is made or replaced; by default where the engine looks for it. */
  readonly folder?: string
  /** Told what is done. */
  readonly say: (text: string) => void
}

/** Loads the package, multiplies two matrices; the package calls functions that later versions of Node no longer have. Prints the version of TensorFlow. */
const proof = `
const util = require('node:util')
for (const [name, test] of Object.entries({ isNullOrUndefined: v => v == null, isArray: Array.isArray, isString: v => typeof v === 'string', isNumber: v => typeof v === 'number' })) util[name] ??= test
const tf = require('@tensorflow/tfjs-node')
const [a] = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync()
if (tf.getBackend() !== 'tensorflow' || a !== 19) throw new Error('the product of two matrices is wrong: ' + a + ' on ' + tf.getBackend())
console.log(JSON.stringify({ tensorflow: tf.backend().binding.TF_Version }))
`

/**
 * Builds in a folder beside the target, proves that the result computes, and only then puts it in its place: the folder holds a whole build or what it held before.
 * Returns the folder. Throws BuildError; FileError where it cannot be written.
 */
export async function buildTfjsNode({ wheel: given, folder = sharedFolder(), say }: BuildOptions): Promise<string> {
  const parent = dirname(folder), work = `${folder}.${process.pid}.tmp`
  const step = <T>(what: () => T): T => { try { return what() } catch (error) { throw error instanceof BuildError ? error : explain(folder, error) } }
  step(() => mkdirSync(parent, { recursive: true }))
  const tools = await checkTools(parent)
  for (const line of tools.found) say(line)
  const stop = (signal: NodeJS.Signals): void => { rmSync(work, { recursive: true, force: true }); process.exit(signal === 'SIGINT' ? 130 : 143) }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    step(() => { removeLeftovers(folder); mkdirSync(work) })
    if (given === undefined) say(`python3 -m pip download: the newest TensorFlow that it finds`)
    const wheel = await inspectWheel(given ?? await downloadWheel(join(work, 'wheel')))
    say(`wheel: ${wheel.name} ${wheel.version} (${wheel.path})`)
    const module = await install(work, say)
    say('taking headers and libraries out of the wheel')
    await extractWheel(wheel, work)
    step(() => linkLibraries(work, module))
    await compile(module, tools.nodeFolder, say, `${folder}-build.log`)
    const { tensorflow } = await prove(work)
    say(`proved: multiplies matrices on TensorFlow ${tensorflow}`)
    step(() => put(work, folder))
    say(`${PACKAGE} ${VERSION} is in ${folder}`)
    return folder
  } finally {
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop)
    rmSync(work, { recursive: true, force: true })
  }
}

/** Unfinished builds of processes that are no more. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(dirname(folder))) {
    const pid = new RegExp(`^${basename(folder).replaceAll('.', '\\.')}\\.(\\d+)\\.(?:tmp|old)$`).exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(dirname(folder), name), { recursive: true, force: true })
  }
}

/** The package from the registry, without its install script, which would download. */
async function install(work: string, say: BuildOptions['say']): Promise<string> {
  say(`npm install --ignore-scripts ${PACKAGE}@${VERSION}`)
  writeFileSync(join(work, 'package.json'), `${JSON.stringify({ name: 'mtlc-tfjs-node', private: true, description: 'Built by mtlc doctor --fix tfjs-node' }, null, 2)}\n`)
  const { code, output } = await runCommand('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev', `${PACKAGE}@${VERSION}`], { cwd: work })
  const module = join(work, 'node_modules', PACKAGE)
  if (code !== 0 || !existsSync(join(module, 'binding.gyp'))) throw new BuildError(`npm could not install ${PACKAGE}@${VERSION}:\n${tail(output)}\n  fix: see that the npm registry can be reached`)
  return module
}

/** The names that the linker and the loader look for: libtensorflow is libtensorflow_cc here. */
function linkLibraries(work: string, module: string): void {
  const lib = join(module, 'deps', 'lib')
  mkdirSync(lib, { recursive: true })
  renameSync(join(work, 'tensorflow', 'include'), join(module, 'deps', 'include'))
  for (const name of [CC_LIBRARY, FRAMEWORK_LIBRARY]) renameSync(join(work, 'tensorflow', name), join(lib, name))
  for (const name of ['libtensorflow.so', 'libtensorflow.so.2']) symlinkSync(CC_LIBRARY, join(lib, name))
  symlinkSync(FRAMEWORK_LIBRARY, join(lib, 'libtensorflow_framework.so'))
  for (const name of ['tensorflow', 'wheel']) rmSync(join(work, name), { recursive: true, force: true })
}

async function compile(module: string, nodeFolder: string | undefined, say: BuildOptions['say'], log: string): Promise<void> {
  say('compiling, about a minute: node-pre-gyp rebuild --build-from-source')
  const env = { ...process.env, ...(nodeFolder === undefined ? {} : { npm_config_nodedir: nodeFolder }) }
  const { code, output } = await runCommand('npm', ['exec', '--', 'node-pre-gyp', 'rebuild', '--build-from-source'], { cwd: module, env })
  if (code === 0) return
  writeFileSync(log, output)
  const errors = output.split('\n').filter(l => /\berror\b/i.test(l) && !l.startsWith('gyp ERR! node') && !l.includes('stack'))
  throw new BuildError(`compiling failed; everything it said is in ${log}:\n${tail(errors.length > 0 ? errors.slice(0, 8).join('\n') : output)}`)
}

async function prove(work: string): Promise<{ readonly tensorflow: string }> {
  const { code, stdout, output } = await runCommand(process.execPath, ['-e', proof], { cwd: work, minutes: 5 })
  if (code !== 0) throw new BuildError(`it was built, but does not work:\n${tail(output.split('\n').filter(l => !l.trim().startsWith('at ')).join('\n'), 8)}`)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as { tensorflow: string }
}

/** The finished build takes its place; what was there is removed only afterwards. */
function put(work: string, folder: string): void {
  const old = `${folder}.${process.pid}.old`
  if (existsSync(folder)) renameSync(folder, old)
  renameSync(work, folder)
  rmSync(old, { recursive: true, force: true })
}
