// Members of groups as parts of their vectors, cut out by the graph itself: for devices whose memory the host cannot divide.
import { sizeOf } from '../../ir/types.ts'
import type { OnnxGraph, OnnxNode, OnnxTensor } from './graph.ts'
import type { StateGroup } from './group-updates.ts'
import type { Lowered } from './lower.ts'

/** The graph, whose inputs for members become nodes that read the vectors of their groups, and the inputs that are left. */
export function cutMembers(graph: OnnxGraph, inputs: Lowered['inputs'], groups: readonly StateGroup[]): { readonly graph: OnnxGraph; readonly inputs: Lowered['inputs'] } {
  const cut = new Set<string>()
  const nodes: OnnxNode[] = [], initialisers: OnnxTensor[] = []
  const constant = (name: string, values: readonly number[]): string => {
    initialisers.push({ name, dtype: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) })
    return name
  }
  const add = (op: string, name: string, from: string[]): string => {
    nodes.push({ op, domain: '', name, doc: 'a part of a vector of small tensors', inputs: from, outputs: [name], attributes: {} })
    return name
  }
  for (const { name: group, members } of groups) {
    const vector = inputs.find(i => i.name === group)
    for (const { name, offset } of vector === undefined ? [] : members) {
      const port = inputs.find(i => i.name === name)
      if (port === undefined) continue
      const { onnx, type: { shape } } = port
      const part = add('Slice', `${onnx}/part`, [vector!.onnx, constant(`${onnx}/from`, [offset]), constant(`${onnx}/to`, [offset + sizeOf(shape)])])
      add('Reshape', onnx, [part, constant(`${onnx}/shape`, shape)])
      cut.add(onnx)
    }
  }
  if (cut.size === 0) return { graph, inputs }
  return {
    graph: { ...graph, inputs: graph.inputs.filter(i => !cut.has(i.name)), initialisers: [...graph.initialisers, ...initialisers], nodes: [...nodes, ...graph.nodes] },
    inputs: inputs.filter(i => !cut.has(i.onnx)),
  }
}
