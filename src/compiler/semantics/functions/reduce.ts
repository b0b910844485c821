// Reductions, softmax and normalisation layers.
import { float, int, none, type Value } from '../values.ts'
import { type Call, define, isNumber, isTensor, type ParamSketch, type Tensor } from './call.ts'
import type { BuiltinFunction } from './function.ts'

const params: readonly ParamSketch[] = ['x', ['axes', none], ['keep', false]]

function reduce(c: Call, op: 'reduceSum' | 'reduceMean' | 'reduceMax', x: Tensor): Value {
  const rank = x.type.shape.length
  const axes = c.isNone('axes') ? x.type.shape.map((_, i) => i) : c.axes('axes', rank).sort((a, b) => a - b)
  return axes.length === 0 ? x : c.emit(op, [x], { axes, keepDims: c.bool('keep') })
}

/** The sum of a list: static if all items are, else of the tensors by broadcasting. */
function sumOfList(c: Call, items: readonly Value[]): Value {
  if (items.every(isNumber)) {
    const total = items.reduce((n, x) => n + x.v, 0)
    return items.every(x => x.t === 'int') ? int(total) : float(total)
  }
  if (!items.some(isTensor)) return c.fail('sum takes a tensor, or a list of numbers or tensors', 'x')
  return c.operands(['x'], items).reduce((a, b) => c.add(a, b))
}

export const reductions: readonly BuiltinFunction[] = [
  define('sum', params, c => {
    const x = c.value('x')
    return x.t === 'list' ? sumOfList(c, x.items) : reduce(c, 'reduceSum', c.tensor('x'))
  }),
  define('mean', params, c => reduce(c, 'reduceMean', c.tensor('x', 'float32'))),
  define('amax', params, c => reduce(c, 'reduceMax', c.tensor('x', 'float32'))),
  define('softmax', ['x', ['axis', -1]], c => { const x = c.tensor('x', 'float32'); return c.emit('softmax', [x], { axis: c.axis('axis', x.type.shape.length) }) }),
  define('log_softmax', ['x', ['axis', -1]], c => { const x = c.tensor('x', 'float32'); return c.emit('logSoftmax', [x], { axis: c.axis('axis', x.type.shape.length) }) }),
  define('layer_norm', ['x', 'weight', 'bias', ['eps', 1e-5]], c => c.emit('layerNorm', (['x', 'weight', 'bias'] as const).map(n => c.tensor(n, 'float32')), { eps: c.number('eps') })),
  define('group_norm', ['x', 'groups', 'weight', 'bias', ['eps', 1e-5]], c =>
    c.emit('groupNorm', (['x', 'weight', 'bias'] as const).map(n => c.tensor(n, 'float32')), { groups: c.count('groups'), eps: c.number('eps') })),
  define('batch_norm', ['x', 'weight', 'bias', 'mean', 'var', ['eps', 1e-5]], c =>
    c.emit('batchNorm', (['x', 'weight', 'bias', 'mean', 'var'] as const).map(n => c.tensor(n, 'float32')), { eps: c.number('eps') })),
]
