// onnxruntime's errors in the user's terms.

/** Drops prefixes, kernels' source places and stack traces; names the node, whose name begins with the module path. */
export function readableError(message: string): string {
  const line = message.split('\n').find(l => l.trim() !== '') ?? 'unknown error'
  const node = /Name:'([^']*)'/.exec(line)?.[1]
  const status = /Status Message: (.*)$/.exec(line)?.[1]
  const bare = (status ?? line)
    .replace(/^(Error: )?\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /, '')
    .replace(/^\/\S+:\d+ /, '')
    .replace(/^[\w:<>~,*& ]+\([^)]*\) (?=\S)/, '')
    .trim()
  if (/Cannot find (package|module)/.test(message)) return 'the package onnxruntime-node is not installed: run npm install'
  if (/bad_alloc|Failed to allocate memory/i.test(message)) return `out of memory${node === undefined || node === '' ? '' : ` at ${node}`}: use a smaller batch or image`
  return node === undefined || node === '' ? bare : `${node}: ${bare}`
}
