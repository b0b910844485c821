// mtlc data stats: what the splits of a data set hold, as tables or as JSON.
import { Command } from 'commander'
import { splitsOf } from '../runtime/data/cityscapes3d/layout.ts'
import { depthBins, distanceBins, headings, heightBins, splitStatistics } from '../runtime/data/statistics.ts'
import type { SplitStatistics } from '../runtime/data/statistics.ts'
import { cityscapesLabels } from '../runtime/tasks/cityscapes-labels.ts'
import { Progress } from '../runtime/train/progress.ts'

type Statistics = SplitStatistics & { readonly image: readonly [number, number] }

/** Columns as Markdown, padded so that they also read as plain text. */
function table(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map(r => r.map(String))
  const widths = cells[0].map((_, i) => Math.max(...cells.map(r => r[i].length)))
  const line = (r: readonly string[]): string => `| ${r.map((c, i) => (i === 0 ? c.padEnd(widths[i]) : c.padStart(widths[i]))).join(' | ')} |`
  return [line(cells[0]), `|${widths.map((w, i) => (i === 0 ? '-'.repeat(w + 2) : `${'-'.repeat(w + 1)}:`)).join('|')}|`, ...cells.slice(1).map(line)].join('\n')
}

const share = (n: number, of: number, digits = 1): string => (of === 0 ? '-' : (100 * n / of).toFixed(digits))
const range = (bins: readonly number[], unit = ''): string[] => bins.map((low, i) => (i + 1 === bins.length ? `${low}${unit}+` : `${low}-${bins[i + 1]}${unit}`))

function describe(split: string, s: Statistics): string {
  const total = s.pixels.reduce((a, b) => a + b, 0)
  const classes = Object.entries(s.classes).sort((a, b) => b[1].boxes - a[1].boxes)
  const boxes = s.boxesPerImage.reduce((n, images, k) => n + k * images, 0)
  const most = s.boxesPerImage.length - 1
  const by = (title: string, names: readonly string[], pick: (c: Statistics['classes'][string]) => readonly number[]): string =>
    `${title}\n\n${table([['class', ...names], ...classes.map(([name, c]) => [name, ...pick(c).map(n => share(n, c.boxes))])])}`
  return [
    `${split}: ${s.images} images of ${s.image[0]} x ${s.image[1]}; ${(boxes / s.images).toFixed(1)} boxes of evaluated classes per image (at most ${most}), ${s.boxesPerImage[0]} images without; ${share(s.measured, total)} % of the pixels have a depth`,
    `Labels: % of all pixels, % of the images with it\n\n${table([['label', 'train id', 'pixels', 'images'], ...cityscapesLabels.filter(l => s.pixels[l.id] > 0).map(l => [l.name, l.trainId === 255 ? '-' : l.trainId, share(s.pixels[l.id], total, 3), share(s.imagesWith[l.id], s.images)])])}`,
    `Boxes\n\n${table([['class', 'boxes', '% of images'], ...classes.map(([name, c]) => [name, c.boxes, share(c.images, s.images)])])}`,
    by('Distance on the ground in metres, % of the boxes of a class', range(distanceBins), c => c.distance),
    by('Heading, % of the boxes of a class', headings, c => c.heading),
    by('Height of the visible box as a share of the rows, % of the boxes of a class', range(heightBins.map(h => 100 * h), '%'), c => c.height),
    by('Occlusion, % of the boxes of a class', Array.from({ length: 11 }, (_, i) => (i / 10).toFixed(1)), c => c.occlusion),
    by('Truncation, % of the boxes of a class', Array.from({ length: 11 }, (_, i) => (i / 10).toFixed(1)), c => c.truncation),
    `Depth in metres, % of the pixels that have one\n\n${table([range(depthBins), s.depth.map(n => share(n, s.measured))])}`,
  ].join('\n\n')
}

async function run(dir: string, { split, json }: { readonly split?: string; readonly json?: boolean }): Promise<void> {
  const splits = split === undefined ? await splitsOf(dir) : split.split(',')
  const progress = new Progress(process.stderr)
  const found: Record<string, Statistics> = {}
  for (const name of splits) found[name] = await splitStatistics(dir, name, (done, of) => progress.update(`${dir}: ${name} ${done}/${of}`, performance.now(), done === of))
  progress.end()
  const document = { root: dir, bins: { distance: distanceBins, heading: headings, height: heightBins, depth: depthBins }, splits: found }
  process.stdout.write(json === true ? `${JSON.stringify(document, null, 1)}\n` : `${splits.map(name => describe(name, found[name])).join('\n\n')}\n`)
}

export const statsCommand = (): Command => new Command('stats')
  .description('what the splits hold: labels, boxes, distances, headings, occlusion (tables in Markdown)')
  .argument('<dir>')
  .option('--split <names>', 'which, with commas between (default: all that have annotations)')
  .option('--json', 'one JSON document on stdout')
  .action(run)
