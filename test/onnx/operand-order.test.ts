// The order of nodes in which the engine's walk holds little.
import { expect, it } from 'vitest'
import fc from 'fast-check'
import { executionOrder } from '../../src/compiler/memory/engine.ts'
import { peakOf } from '../../src/compiler/memory/plan.ts'
import type { OnnxGraph, OnnxNode } from '../../src/compiler/targets/onnx/graph.ts'
import { orderOperands } from '../../src/compiler/targets/onnx/operand-order.ts'

const node = (op: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}): OnnxNode => ({ op, domain: '', name: output, doc: '', inputs, outputs: [output], attributes })
const graphOf = (nodes: OnnxNode[], outputs: string[]): OnnxGraph => ({
  name: 'g', opset: 21, nodes, initialisers: [], inputs: [{ name: 'x', dtype: 'float32', dims: [100] }], outputs: outputs.map(name => ({ name, dtype: 'float32', dims: [100] })),
})
const orderOf = (graph: OnnxGraph): string[] => executionOrder(graph).map(i => graph.nodes[i].name)

it('of the operands of a node, what needs most on the way is computed first', () => {
  const graph = graphOf([node('Concat', ['x', 'x', 'x', 'x'], 'wide', { axis: 0 }), node('ReduceMax', ['wide'], 'narrow'), node('Sin', ['x'], 'light'), node('Add', ['light', 'narrow'], 'sum')], ['sum'])
  expect(orderOf(graph)).toEqual(['light', 'wide', 'narrow', 'sum'])
  const ordered = orderOperands(graph)
  expect(orderOf(ordered)).toEqual(['wide', 'narrow', 'light', 'sum'])
  const hidden = new Set(['x'])
  expect([graph, ordered].map(g => peakOf(g, hidden).bytes)).toEqual([2004, 1604])
})

it('a sum of several products is made term by term', () => {
  const terms = ['a', 'b', 'c', 'd']
  const graph = graphOf([
    ...terms.flatMap(t => [node('Sin', ['x'], t), node('Exp', [t], `${t}.e`)]),
    ...terms.flatMap((t, i) => [node('Mul', [t, 'x'], `${t}.m`), ...i === 0 ? [] : [node('Add', [i === 1 ? 'a.m' : `sum.${i - 1}`, `${t}.m`], `sum.${i}`)]]),
  ], ['sum.3', ...terms.map(t => `${t}.e`)])
  const hidden = new Set(['x'])
  // Terms are read again, so they stay; but their products come one at a time.
  expect([graph, orderOperands(graph)].map(g => peakOf(g, hidden).bytes / 400)).toEqual([9, 6])
})

it('keeps every node, behind what it reads, and computes results in the order of the outputs', () => {
  const operands = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 })
  fc.assert(fc.property(operands, pairs => {
    const nodes = pairs.map((pair, i) => node('Add', pair.map(v => v % (i + 1) === i ? 'x' : `n${v % (i + 1)}`), `n${i}`))
    const read = new Set(nodes.flatMap(n => n.inputs)), results = nodes.filter(n => !read.has(n.name)).map(n => n.name).toReversed()
    const ordered = orderOperands(graphOf(nodes, results))
    expect([...ordered.nodes].sort((a, b) => Number(a.name.slice(1)) - Number(b.name.slice(1)))).toEqual(nodes)
    const seen = new Set(['x'])
    for (const n of ordered.nodes) { for (const name of n.inputs) expect(seen.has(name)).toBe(true); seen.add(n.name) }
    const order = orderOf(ordered)
    expect(order.filter(name => results.includes(name))).toEqual(results)
  }), { seed: 4, numRuns: 100 })
})
