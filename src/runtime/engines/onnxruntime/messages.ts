// onnxruntime's errors in the user's terms.
import { longName } from '../../../compiler/targets/onnx/short-names.ts'

const causes: readonly (readonly [RegExp, string])[] = [
  [/Cannot find (package|module) '?onnxruntime/, 'the package onnxruntime-node is not installed: run npm install'],
  [/WebGPU adapter|libvulkan/, 'no GPU was found for WebGPU: it needs a GPU with a Vulkan driver'],
  [/ExecutionProvider_Cuda|onnxruntime_providers_(cuda|shared)/, 'the CUDA provider of onnxruntime-node is not installed: run ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js'],
]

/** Drops prefixes, kernels' source places and stack traces; names the node, whose name begins with the module path; `names` holds it where nodes have short names. */
export function readableError(message: string, names?: string): string {
  const line = message.split('\n').find(l => l.trim() !== '') ?? 'unknown error'
  const called = /Name:'([^']*)'/.exec(line)?.[1]
  const node = called === undefined || names === undefined ? called : longName(names, called)
  const status = /Status Message: (.*)$/.exec(line)?.[1]
  const bare = (status ?? line)
    .replace(/^(Error: )?\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /, '')
    .replace(/^\/\S+:\d+ /, '')
    .replace(/^[\w:<>~,*& ]+\([^)]*\) (?=\S)/, '')
    .trim()
  const known = causes.find(([pattern]) => pattern.test(message))
  if (known !== undefined) return known[1]
  if (/bad_alloc|Failed to allocate memory/i.test(message)) return `out of memory${node === undefined || node === '' ? '' : ` at ${node}`}: use a smaller batch or image`
  // Casting NaN to an integer gives the smallest one.
  const diverged = bare.includes('idx=-2147483648') ? '; a NaN was turned into this index: the values before it diverged' : ''
  return `${node === undefined || node === '' ? '' : `${node}: `}${bare}${diverged}`
}
