// docs/engines.md is up to date: its table is what the measurements and the tables of operators give, and the measurements cover every case of the parity tests.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { columns, limitOf, operators, renderTable, type Measurements } from '../../bench/engines/table.ts'
import { parityCases } from '../../bench/engines/cases.ts'
import { deviceFacts } from '../../src/runtime/doctor/devices.ts'
import { allDevices } from '../../src/runtime/doctor/examine.ts'

const measured = JSON.parse(readFileSync('docs/engines.json', 'utf8')) as Measurements
const page = readFileSync('docs/engines.md', 'utf8')
const how = 'run node scripts/engines-table.mjs'

test('the table is what was measured', () => {
  expect(page.slice(page.indexOf('<!-- table -->\n') + '<!-- table -->\n'.length, page.indexOf('<!-- end of table -->')), `${how} --render`).toBe(renderTable(measured))
})

test('every case of the parity tests was measured on every device in the table', () => {
  const cases = parityCases()
  const expected = Object.fromEntries(operators.map(op => [op, Object.fromEntries((['forward', 'backward'] as const).flatMap(direction => {
    const n = cases.filter(c => c.op === op && c.direction === direction).length
    return n === 0 ? [] : [[direction, n]]
  }))]))
  for (const [name, { operators: found }] of Object.entries(measured)) {
    expect(Object.fromEntries(Object.entries(found).map(([op, both]) => [op, Object.fromEntries(Object.entries(both).map(([direction, r]) => [direction, r.cases]))])), `${name}: ${how} ${name}`).toEqual(expected)
  }
})

test('the devices that every machine has were measured, and hold what parity asks for', () => {
  for (const name of ['onnxruntime/cpu', 'tfjs/tensorflow', 'tfjs/wasm', 'tfjs/cpu']) {
    for (const [op, both] of Object.entries(measured[name].operators)) for (const [direction, { difference, problem }] of Object.entries(both)) {
      expect(problem, `${name} ${op} ${direction}`).toBeUndefined()
      expect(difference, `${name} ${op} ${direction}`).toBeLessThanOrEqual(limitOf(name, op, direction as 'forward' | 'backward'))
    }
  }
})

test('the table has a column for every device, and the page names each', () => {
  expect(Object.keys(columns)).toEqual(allDevices().map(d => `${d.engine}/${d.device}`))
  for (const { engine, device } of allDevices()) expect(page).toMatch(new RegExp(`^\\| ${engine} \\| \`${device}\``, 'm'))
  for (const [name, { limit }] of Object.entries(deviceFacts)) expect(limit).toBeGreaterThanOrEqual(columns[name])
})
