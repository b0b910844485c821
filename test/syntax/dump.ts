// The syntax tree as compact s-expressions without places, for golden texts.

/** Arrays are written (a b), nodes {kind field=value ...} with undefined, empty and spans left out. */
export function dump(value: unknown): string {
  if (Array.isArray(value)) return `(${value.map(dump).join(' ')})`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return String(value)
  const fields = Object.entries(value).filter(([k, v]) => !/span$/i.test(k) && k !== 'kind' && k !== 'file' && v !== undefined && v !== '' && v !== false)
  const kind = 'kind' in value ? String(value.kind) : ''
  if (kind === '' && 'text' in value && 'quoted' in value) return value.quoted ? JSON.stringify(value.text) : String(value.text)
  if (kind === 'int' || kind === 'float' || kind === 'bool') return `${kind === 'float' ? 'f' : ''}${(value as { value: unknown }).value}`
  if (kind === 'string') return JSON.stringify((value as { value: unknown }).value)
  if (kind === 'name' && typeof (value as { name?: unknown }).name === 'string') return (value as { name: string }).name
  return `{${[kind, ...fields.map(([k, v]) => `${k}=${k === 'op' ? String(v) : dump(v)}`)].filter(x => x !== '').join(' ')}}`
}
