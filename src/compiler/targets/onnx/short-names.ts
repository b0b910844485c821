// Short names for what only the engine reads: it holds each name several times, and module paths are long.
import { readsOf, type OnnxGraph, type OnnxNode } from './graph.ts'

export interface ShortGraph {
  readonly graph: OnnxGraph
  /** The names of the nodes before, one per line: node i is called i in base 36 now. */
  readonly names: string
}

/** The graph without doc strings, with short names for its nodes and for all values but its inputs and outputs. */
export function shortNames(graph: OnnxGraph): ShortGraph {
  const short = new Map([...graph.inputs, ...graph.outputs].map(v => [v.name, v.name] as const))
  const taken = new Set(short.keys())
  let count = 0
  const fresh = (): string => {
    let name = (count++).toString(36)
    while (taken.has(name)) name = (count++).toString(36)
    return name
  }
  const shorten = (name: string): string => {
    if (name === '') return ''
    const known = short.get(name) ?? fresh()
    short.set(name, known)
    return known
  }
  /** Names of a body's own stay: they are short, and differ from the short ones by a dot. */
  const shortenBody = (node: OnnxNode): OnnxNode['attributes'] => {
    const { body } = node.attributes, outside = new Set(readsOf(node))
    if (typeof body !== 'object' || !('graph' in body)) return node.attributes
    return { ...node.attributes, body: { graph: { ...body.graph, nodes: body.graph.nodes.map((n, i) => ({ ...n, name: i.toString(36), inputs: n.inputs.map(name => outside.has(name) ? shorten(name) : name) })) } } }
  }
  const nodes = graph.nodes.map((node, i) => ({ ...node, name: i.toString(36), doc: '', inputs: node.inputs.map(shorten), outputs: node.outputs.map(shorten), attributes: shortenBody(node) }))
  return { graph: { ...graph, nodes, initialisers: graph.initialisers.map(t => ({ ...t, name: shorten(t.name) })) }, names: graph.nodes.map(n => n.name.replaceAll('\n', ' ')).join('\n') }
}

/** The name of a node before. */
export const longName = (names: string, short: string): string => names.split('\n')[parseInt(short, 36)] ?? short
