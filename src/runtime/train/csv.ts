// A table that grows at its end: rows are appended; a new column rewrites it.
import { appendFileSync } from 'node:fs'
import { explain, writeAtomically } from '../files.ts'

export type CsvRow = Readonly<Record<string, number | string | null>>

const cell = (value: number | string | null | undefined): string => {
  if (value === undefined || value === null) return ''
  const text = String(value)
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export class CsvFile {
  readonly #path: string
  readonly #columns: string[] = []
  readonly #rows: CsvRow[]

  /** Writes the whole file. Throws FileError. */
  constructor(path: string, rows: readonly CsvRow[]) {
    this.#path = path
    this.#rows = [...rows]
    for (const row of rows) this.#widen(row)
    this.#rewrite()
  }

  append(row: CsvRow): void {
    this.#rows.push(row)
    if (this.#widen(row)) return this.#rewrite()
    try { appendFileSync(this.#path, this.#line(row)) } catch (error) { throw explain(this.#path, error) }
  }

  /** Whether the row has columns that the table has not had. */
  #widen(row: CsvRow): boolean {
    const fresh = Object.keys(row).filter(k => !this.#columns.includes(k))
    this.#columns.push(...fresh)
    return fresh.length > 0
  }

  #line(row: CsvRow): string { return `${this.#columns.map(c => cell(row[c])).join(',')}\n` }
  #rewrite(): void { writeAtomically(this.#path, (this.#columns.length === 0 ? '' : `${this.#columns.map(cell).join(',')}\n`) + this.#rows.map(r => this.#line(r)).join('')) }
}
