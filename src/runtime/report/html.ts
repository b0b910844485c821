// A self-contained HTML page: one file, no scripts, no fonts or images from elsewhere; light and dark by the reader's choice.

/** Text that is safe between tags and in attributes. */
export const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** HTML made by this module's functions, as opposed to text that must be escaped. */
export interface Html { readonly html: string }
export const raw = (html: string): Html => ({ html })
const content = (value: string | Html): string => (typeof value === 'string' ? escape(value) : value.html)

export interface Column { readonly title: string; /** digits line up on the right */ readonly number?: boolean; /** shown when the pointer rests on the title */ readonly hint?: string }

/** A table whose first column names the rows. Rows of `strong` indices stand out. */
export function table(columns: readonly Column[], rows: readonly (readonly (string | Html)[])[], options: { readonly caption?: string; readonly strong?: readonly number[] } = {}): Html {
  const head = columns.map(c => `<th scope="col"${c.number === true ? ' class="number"' : ''}${c.hint === undefined ? '' : ` title="${escape(c.hint)}"`}>${escape(c.title)}</th>`).join('')
  const body = rows.map((cells, r) => {
    const inner = cells.map((cell, i) => (i === 0 ? `<th scope="row">${content(cell)}</th>` : `<td${columns[i]?.number === true ? ' class="number"' : ''}>${content(cell)}</td>`)).join('')
    return `<tr${options.strong?.includes(r) === true ? ' class="strong"' : ''}>${inner}</tr>`
  }).join('\n')
  return raw(`<div class="wide"><table>${options.caption === undefined ? '' : `<caption>${escape(options.caption)}</caption>`}<thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`)
}

/** Figures at a glance: each a value with its name, and what to hold it against. */
export const cards = (items: readonly { readonly name: string; readonly value: string; readonly note?: string }[]): Html =>
  raw(`<div class="cards">${items.map(i => `<div class="card"><div class="name">${escape(i.name)}</div><div class="value">${escape(i.value)}</div>${i.note === undefined ? '' : `<div class="note">${escape(i.note)}</div>`}</div>`).join('')}</div>`)

export const section = (title: string, ...parts: readonly Html[]): Html => raw(`<section><h2>${escape(title)}</h2>\n${parts.map(p => p.html).join('\n')}\n</section>`)
export const subsection = (title: string, ...parts: readonly Html[]): Html => raw(`<h3>${escape(title)}</h3>\n${parts.map(p => p.html).join('\n')}`)
export const paragraph = (text: string): Html => raw(`<p>${escape(text)}</p>`)
export const code = (text: string): Html => raw(`<pre>${escape(text)}</pre>`)
/** Side by side where there is room. */
export const row = (...parts: readonly Html[]): Html => raw(`<div class="row">${parts.map(p => p.html).join('\n')}</div>`)

/** A picture inside the page, with its caption. `bytes` are those of a JPEG or PNG file. */
export const picture = (bytes: Uint8Array, type: 'image/jpeg' | 'image/png', caption: string): Html =>
  raw(`<figure><img alt="${escape(caption)}" src="data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"><figcaption>${escape(caption)}</figcaption></figure>`)

const style = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5d6670; --line: #d9dee3; --ground: #ffffff; --card: #f5f7f9; --accent: #0b62a8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #9aa4ae; --line: #343b42; --ground: #14181b; --card: #1d2226; --accent: #6cb4ee; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1200px; padding: 24px; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--ink); background: var(--ground); }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 40px 0 12px; padding-top: 12px; border-top: 1px solid var(--line); } h3 { font-size: 16px; margin: 24px 0 8px; }
p { max-width: 75ch; } .facts { color: var(--soft); margin: 0; overflow-wrap: anywhere; }
pre { background: var(--card); padding: 12px; overflow-x: auto; font-size: 13px; border-radius: 6px; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 16px 0; } .card { background: var(--card); border-radius: 8px; padding: 12px 16px; min-width: 150px; }
.card .name { color: var(--soft); font-size: 13px; } .card .value { font-size: 26px; font-variant-numeric: tabular-nums; } .card .note { color: var(--soft); font-size: 12px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 14px; } caption { text-align: left; color: var(--soft); font-size: 13px; padding-bottom: 4px; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; } thead th { color: var(--soft); font-weight: 600; } tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; } tr.strong td, tr.strong th { font-weight: 700; }
.row { display: flex; flex-wrap: wrap; gap: 16px 24px; align-items: flex-start; } .row > figure.chart { flex: 0 1 auto; }
figure { margin: 8px 0; } figure img { max-width: 100%; height: auto; border-radius: 4px; display: block; } figcaption { color: var(--soft); font-size: 13px; margin-top: 4px; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--ink); font: 11px system-ui, sans-serif; } svg text.soft { fill: var(--soft); } svg .axis { stroke: var(--soft); } svg .grid { stroke: var(--line); } svg .heat { fill: var(--accent); }
nav { margin-top: 12px; } nav a { color: var(--accent); margin-right: 16px; } @media print { body { max-width: none; } section { break-inside: avoid-page; } }
`

export interface Page { readonly title: string; /** lines of facts under the title */ readonly facts: readonly string[]; readonly body: readonly Html[] }

/** The whole document. */
export const page = ({ title, facts, body }: Page): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title><style>${style}</style></head>
<body><header><h1>${escape(title)}</h1>${facts.map(f => `<p class="facts">${escape(f)}</p>`).join('')}</header>
${body.map(b => b.html).join('\n')}
</body></html>
`
