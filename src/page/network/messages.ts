// Errors of tfjs and its backends in words for users.
import { LoadError } from './files.ts'
import { BackendError, type OpenBackend } from './tensorflow.ts'

const outOfMemory = /out of memory|\bOOM\b|allocation failed|cannot enlarge memory|memory access out of bounds|bad_alloc|invalid typed array length|createBuffer.*size/i

export function readableError(error: unknown, { backend, failure }: OpenBackend): Error {
  if (error instanceof LoadError || error instanceof BackendError) return error
  // A GPU says the reason apart from the call that failed.
  const text = failure() ?? (typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error))
  const other = backend === 'wasm' ? 'webgpu' : 'wasm'
  if (outOfMemory.test(text)) return new BackendError(backend === 'wasm' ? 'WebAssembly ran out of memory: it has at most 2 GiB here. Close other tabs, try WebGPU, or export a smaller model' : 'The GPU ran out of memory: close other tabs, or try WebAssembly')
  if (/GPU was lost|device.*lost/i.test(text)) return new BackendError(`${text.replace(/^./, c => c.toUpperCase())}. Choose a backend again to go on`)
  const kernel = /Kernel '(\w+)' not registered for backend/.exec(text)
  if (kernel !== null) return new BackendError(`${backend} has no kernel ${kernel[1]}: try ${other}`)
  return new BackendError(`${backend} failed: ${text.split('\n')[0]}`)
}
