// The architecture is in the text: TypeScript has operators, readers and task codecs, and no layer of the networks of models/.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const layers = /swin(?!g)|prompt|\bfpn|patch_?(?:merg|embed)|window_?(?:attention|partition|reverse)|qkv|\battn|relative_?position|shifted_?window|drop_?path|lateral_?conv|chan_(?:q|kv)|mt_proj|conv_?head|backbone|decoder\.|\bneck\b/i

const code = (text: string): string => text.replace(/\/\*[^]*?\*\//g, '').replace(/\/\/.*$/gm, '')
const sources = ['src', 'grammar'].flatMap(root => readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(f => f.endsWith('.ts')).map(f => `${root}/${f}`))

test('no layer of the networks is named in TypeScript', () => {
  const found = sources.flatMap(file => code(readFileSync(file, 'utf8')).split('\n').filter(line => layers.test(line)).map(line => `${file}: ${line.trim()}`))
  expect(found).toEqual([])
  expect(sources.length).toBeGreaterThan(50)
})

test('the words are those of the models', () => {
  const models = readdirSync('models', { recursive: true, encoding: 'utf8' }).filter(f => f.endsWith('.mtl')).map(f => readFileSync(`models/${f}`, 'utf8')).join('\n')
  for (const word of ['Swin', 'prompts', 'Fpn', 'PatchMerging', 'WindowAttention', 'qkv', 'attn', 'relative_position_index', 'drop_path', 'lateral_convs', 'chan_kv', 'mt_proj', 'ConvHead', 'backbone', 'neck']) {
    expect(models, word).toContain(word)
    expect(layers.test(word), word).toBe(true)
  }
})
