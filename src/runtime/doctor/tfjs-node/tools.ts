// What building a native package takes on this machine: all that is missing is named at once.
import { existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { BuildError, versionOf } from './commands.ts'

/** Bytes that the build takes while it runs: the unpacked libraries, the npm packages, the wheel where pip downloads it. */
const SPACE = 2.2e9

export interface Tools {
  /** What was found, for the user: compiler, make, Python, headers. */
  readonly found: readonly string[]
  /** Folder above include/node; undefined where node-gyp is to download the headers. */
  readonly nodeFolder: string | undefined
}

/** The headers beside this node, or where npm's configuration says they are. */
function headers(env: NodeJS.ProcessEnv): string | undefined {
  const npmrc = join(homedir(), '.npmrc')
  const configured = existsSync(npmrc) ? /^nodedir\s*=\s*"?([^"\n]+)"?\s*$/m.exec(readFileSync(npmrc, 'utf8'))?.[1] : undefined
  const folders = [env.npm_config_nodedir, configured, dirname(dirname(process.execPath))]
  return folders.find(f => f !== undefined && existsSync(join(f, 'include', 'node', 'node_api.h')))
}

/** `folder`: where it will be built; made here. Throws BuildError that lists everything missing. */
export async function checkTools(folder: string, env: NodeJS.ProcessEnv = process.env): Promise<Tools> {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) throw new BuildError(`tfjs-node is built on Linux x64 and arm64; this is ${process.platform} ${process.arch}\n  fix: npm install @tensorflow/tfjs-node, whose own download may work here`)
  const compiler = env.CXX ?? 'c++'
  const [cxx, make, python, npm] = await Promise.all([versionOf(compiler), versionOf('make'), versionOf('python3'), versionOf('npm')])
  const missing: string[] = []
  if (cxx === undefined) missing.push(`a C++ compiler (${compiler}): apt install g++, or name one in CXX`)
  if (make === undefined) missing.push('make: apt install make')
  if (python === undefined) missing.push('python3: apt install python3')
  if (npm === undefined) missing.push('npm: it comes with Node')
  mkdirSync(folder, { recursive: true })
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < SPACE) missing.push(`${(SPACE / 1e9).toFixed(1)} GB of free space in ${folder}: there are ${(bavail * bsize / 1e9).toFixed(1)}; XDG_CACHE_HOME names another place`)
  if (missing.length > 0) throw new BuildError(`tfjs-node cannot be built here. Missing:\n${missing.map(m => `  ${m}`).join('\n')}`)
  const nodeFolder = headers(env)
  return { nodeFolder, found: [`${compiler}: ${cxx}`, `make: ${make}`, `python3: ${python}`, nodeFolder === undefined ? `headers of Node ${process.versions.node}: node-gyp downloads them from nodejs.org` : `headers of Node: ${join(nodeFolder, 'include', 'node')}`] }
}
