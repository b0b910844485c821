// Native packages that stay in memory when the thread that loaded them ends: what they have asked the C library to call at the end of the process would else be gone by then.
import { constants } from 'node:os'

/** RTLD_NODELETE of dlfcn.h, which Node does not name. Windows has nothing of the kind. */
const NODELETE: Readonly<Partial<Record<NodeJS.Platform, number>>> = { linux: 0x1000, darwin: 0x80 }

/** Loads with `load`; native files that it opens are never closed. */
export function loadForGood<T>(load: () => T): T {
  const flag = NODELETE[process.platform] ?? 0
  const { dlopen } = process
  process.dlopen = (module: object, filename: string, flags: number = constants.dlopen.RTLD_LAZY) => { dlopen.call(process, module, filename, flags | flag) }
  try { return load() } finally { process.dlopen = dlopen }
}
