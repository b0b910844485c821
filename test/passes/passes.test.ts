// Every pass leaves the results of every program alone.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Builder } from '../../src/compiler/ir/builder.ts'
import { interpret } from '../../src/compiler/ir/interpreter.ts'
import { printProgram } from '../../src/compiler/ir/print.ts'
import type { Program } from '../../src/compiler/ir/program.ts'
import { verify } from '../../src/compiler/ir/verify.ts'
import { optimise, passes, passNames } from '../../src/compiler/passes/index.ts'
import { feedsFor, origin, randomProgram } from '../ir/random-program.ts'

const expectSame = (before: Program, after: Program): void => {
  verify(after)
  const feeds = feedsFor(before)
  const [a, b] = [before, after].map(p => interpret(p, feeds).outputs)
  for (const name of Object.keys(a)) {
    expect(b[name].shape).toEqual(a[name].shape)
    expect(b[name].dtype).toBe(a[name].dtype)
    a[name].data.forEach((x, i) => {
      const y = b[name].data[i]
      if (!(Math.abs(x - y) <= 1e-5 * (1 + Math.abs(x))) && !Object.is(x, y)) throw new Error(`${name}[${i}]: ${x} became ${y}\n${printProgram(before)}\n${printProgram(after)}`)
    })
  }
}

describe('passes', () => {
  it.each(passNames)('%s keeps the results of random programs', name => {
    fc.assert(fc.property(randomProgram, program => expectSame(program, passes[name](program))), { numRuns: 300, seed: 8 })
  })

  it('keeps the results of random programs through the pipeline, and settles', () => {
    fc.assert(fc.property(randomProgram, program => {
      const optimised = optimise(program, { differentiated: true, onPass: (_, p) => verify(p) })
      expectSame(program, optimised)
      expect(optimise(optimised, { differentiated: true })).toBe(optimised)
    }), { numRuns: 1000, seed: 12 })
  })

  it('returns the same program where nothing changes', () => {
    const b = new Builder()
    b.output('y', 'tap', b.emit('exp', [b.input('x', 'input', { dtype: 'float32', shape: [2] }, origin)], {}, origin))
    const program = b.finish('p')
    for (const name of passNames) expect(passes[name](program)).toBe(program)
  })

  it('takes thirty thousand nodes in well under a second', () => {
    const b = new Builder()
    let v = b.input('x', 'input', { dtype: 'float32', shape: [4, 8] }, origin)
    const weights = Array.from({ length: 100 }, (_, i) => b.input(`w${i}`, 'parameter', { dtype: 'float32', shape: [8, 8] }, origin))
    for (let i = 0; i < 5000; i++) {
      const t = b.emit('transpose', [weights[i % 100]], { perm: [1, 0] }, origin)
      const y = b.emit('matmul', [v, t], { transA: false, transB: false, alpha: 1 }, origin)
      const s = b.emit('mul', [y, b.emit('fill', [], { dtype: 'float32', shape: [], value: 0.5 }, origin)], {}, origin)
      v = b.emit('add', [b.emit('tanh', [s], {}, origin), v], {}, origin)
    }
    b.output('y', 'tap', v)
    const program = b.finish('deep')
    expect(program.nodes.length).toBe(30_000)
    for (const name of passNames) {
      const start = performance.now()
      passes[name](program)
      expect(performance.now() - start).toBeLessThan(1500)
    }
    expect(optimise(program).nodes.length).toBe(15_000)
  })
})
