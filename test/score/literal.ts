// The specification of the 3D metric followed word by word, slowly: one threshold after the other, whole matrices, faces cut at the near plane. What the tests hold the program against.
import type { OfficialResults } from '../../src/runtime/score/official.ts'
import type { DetectionParams } from '../../src/runtime/score/params.ts'
import type { ScoredImage, TruthBox } from '../../src/runtime/score/matching.ts'

type Rect = readonly number[]
type Solid = Pick<TruthBox, 'center' | 'dimensions' | 'rotation'>

const faces = [[3, 2, 6, 7], [0, 1, 5, 4], [4, 5, 6, 7], [0, 1, 2, 3], [3, 0, 4, 7], [1, 5, 6, 2]]
const signs = [[-1, 1, -1], [-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, 1], [-1, -1, 1], [1, -1, 1], [1, 1, 1]]

const unit = (q: readonly number[]): number[] => q.map(v => v / Math.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2 + q[3] ** 2))

/** Rotates by a unit quaternion: v + 2 u x (u x v + w v). */
function rotate([w, x, y, z]: readonly number[], [a, b, c]: readonly number[]): number[] {
  const [i, j, k] = [y * c - z * b + w * a, z * a - x * c + w * b, x * b - y * a + w * c]
  return [a + 2 * (y * k - z * j), b + 2 * (z * i - x * k), c + 2 * (x * j - y * i)]
}

/** Amodal box: every face is walked; a corner behind the near plane is replaced by where the edges to its neighbours in front of it meet the plane. */
export function literalAmodal({ center, dimensions, rotation }: Solid, camera: ScoredImage['camera']): Rect {
  const near = 0.01
  const corners = signs.map(s => {
    const v = rotate(unit(rotation), s.map((sign, i) => sign * dimensions[i] / 2)).map((c, i) => c + center[i])
    const [x, y, z] = camera.sensorTIso8855.map(row => row[0] * v[0] + row[1] * v[1] + row[2] * v[2] + row[3])
    return [-y, -z, x]
  })
  const seen: number[][] = []
  for (const face of faces) {
    face.forEach((corner, i) => {
      const p = corners[corner]
      if (p[2] > near) { seen.push(p); return }
      for (const other of [face[(i + 3) % 4], face[(i + 1) % 4]]) {
        const q = corners[other]
        if (q[2] <= near) continue
        const k = (near - p[2]) / (p[2] - q[2])
        seen.push(p.map((v, axis) => v + k * (v - q[axis])))
      }
    })
  }
  if (seen.length === 0) return [0, 0, 0, 0]
  const u = seen.map(p => camera.fx * p[0] / p[2] + camera.u0)
  const v = seen.map(p => camera.fy * p[1] / p[2] + camera.v0)
  const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value))
  return [clamp(Math.min(...u), 2047), clamp(Math.min(...v), 1023), clamp(Math.max(...u), 2047), clamp(Math.max(...v), 1023)]
}

const corners = ([x, y, w, h]: Rect): Rect => [x, y, x + w, y + h]
const area = (a: Rect): number => (a[2] - a[0] + 1) * (a[3] - a[1] + 1)
const common = (a: Rect, b: Rect): number => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1)

/** Takes the first largest entry again and again; `once` strikes out its row too. Returns [row, column]. */
function greedy(matrix: number[][], least: number, once: boolean): [number, number][] {
  const left = matrix.map(row => [...row])
  const pairs: [number, number][] = []
  for (;;) {
    let [best, at]: [number, [number, number]] = [-Infinity, [0, 0]]
    left.forEach((row, i) => row.forEach((v, j) => { if (v > best) [best, at] = [v, [i, j]] }))
    if (!(best > least)) return pairs
    pairs.push(at)
    left.forEach((row, i) => row.forEach((_, j) => { if (j === at[1] || (once && i === at[0])) row[j] = 0 }))
  }
}

const depthOf = (c: readonly number[]): number => Math.trunc(Math.sqrt(c[0] * c[0] + c[1] * c[1]))

function anglesOf(rotation: readonly number[]): number[] {
  const [w, x, y, z] = unit(rotation)
  return [Math.atan2(2 * (w * z - x * y), 1 - 2 * (y ** 2 + z ** 2)), Math.asin(Math.max(-1, Math.min(1, 2 * (w * y + z * x)))), Math.atan2(2 * (w * x - y * z), 1 - 2 * (x ** 2 + y ** 2))]
}

function fourScores(g: Solid, p: Solid, maxDepth: number): Record<string, number> {
  const [a, b] = [anglesOf(g.rotation), anglesOf(p.rotation)]
  return {
    Center_Dist: 1 - Math.min(Math.sqrt((g.center[0] - p.center[0]) ** 2 + (g.center[1] - p.center[1]) ** 2) / maxDepth, 1),
    Size_Similarity: [0, 1, 2].map(i => Math.min(g.dimensions[i] / p.dimensions[i], p.dimensions[i] / g.dimensions[i])).reduce((x, y) => x * y),
    OS_Yaw: (1 + Math.cos(a[0] - b[0])) / 2,
    OS_Pitch_Roll: 0.5 + (Math.cos(a[1] - b[1]) + Math.cos(a[2] - b[2])) / 4,
  }
}

interface Judged { tp: { truth: Solid; prediction: Solid; depth: number }[]; fp: number[]; fn: number[] }

function judge(images: readonly ScoredImage[], label: string, threshold: number, params: DetectionParams): Judged {
  const all: Judged = { tp: [], fp: [], fn: [] }
  for (const image of images) {
    const G = image.groundTruth.filter(b => b.label === label)
    const P = image.predictions.filter(b => b.label === label && b.score >= threshold)
    if (P.length === 0) { all.fn.push(...G.map(g => depthOf(g.center))); continue }
    const modal = params.matching === 'modal'
    const boxes = P.map(p => (modal ? corners(p.modal) : literalAmodal(p, image.camera)))
    const pairs = greedy(G.map(g => { const a = corners(modal ? g.modal : g.amodal); return boxes.map(b => common(a, b) / (area(a) + area(b) - common(a, b) + 1e-10)) }), params.minIou, true)
    all.tp.push(...pairs.map(([i, j]) => ({ truth: G[i], prediction: P[j], depth: depthOf(G[i].center) })))
    all.fn.push(...G.filter((_, i) => !pairs.some(pair => pair[0] === i)).map(g => depthOf(g.center)))
    const candidates = P.filter((_, j) => !pairs.some(pair => pair[1] === j))
    const absorbed = greedy(image.ignores.map(r => candidates.map(p => common(corners(p.modal), corners(r.box)) / (area(corners(p.modal)) + 1e-10))), params.minIou, false)
    all.fp.push(...candidates.filter((_, j) => !absorbed.some(pair => pair[1] === j)).map(p => depthOf(p.center)))
  }
  return all
}

interface Curve { data: { recall: number[]; precision: number[] }; auc: number }

function curve(counts: readonly { tp: number; fp: number; fn: number }[]): Curve {
  const precision = counts.map(c => (c.tp === 0 ? 0 : c.tp / (c.tp + c.fp)))
  const recall = counts.map(c => (c.tp === 0 ? 0 : c.tp / (c.tp + c.fn)))
  // Sum over the distinct values of recall of its increment times the best precision at that recall or higher.
  const values = [...new Set([0, ...recall, 1])].sort((a, b) => a - b)
  let auc = 0
  values.slice(1).forEach((r, i) => { auc += (r - values[i]) * Math.max(0, ...precision.filter((_, t) => recall[t] >= r)) })
  return { data: { recall, precision }, auc }
}

const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0) / v.length

/** The official results.json of these images. */
export function literalResults(images: readonly ScoredImage[], params: DetectionParams): OfficialResults {
  const thresholds: number[] = []
  for (let i = 0; i < Math.ceil(1.01 * params.numConf); i++) thresholds.push(i * (1 / params.numConf))
  const bins: number[] = []
  for (let b = 0; b <= params.maxDepth; b += params.stepSize) bins.push(b)
  const binOf = (depth: number): number => Math.floor(depth / params.stepSize) * params.stepSize
  const per = params.labels.map(label => {
    const judged = thresholds.map(s => judge(images, label, s, params))
    const ap = curve(judged.map(j => ({ tp: j.tp.length, fp: j.fp.length, fn: j.fn.length })))
    const perDepth = bins.flatMap(bin => {
      const near = (d: number): boolean => d < params.maxDepth && binOf(d) === bin
      const counts = judged.map(j => ({ tp: j.tp.filter(t => near(t.depth)).length, fp: j.fp.filter(near).length, fn: j.fn.filter(near).length })).filter(c => c.tp + c.fn > 0)
      return counts.length === 0 ? [] : [[String(bin), curve(counts)] as const]
    })
    const product = thresholds.map((_, i) => ap.data.precision[i] * ap.data.recall[i])
    const best = Math.max(...product)
    const wanted = params.confidence
    const confidence = wanted === undefined ? (best > 0 ? thresholds[product.indexOf(best)] : 0) : thresholds.find(s => s >= Math.min(1, Math.max(0, wanted)))!
    const pairs = judge(images, label, confidence, params).tp.filter(t => t.depth < params.maxDepth)
    const score = (name: string): { data: Record<string, number>; items: Record<string, number>; auc: number } => {
      const filled = bins.map(bin => ({ bin, values: pairs.filter(t => binOf(t.depth) === bin).map(t => fourScores(t.truth, t.prediction, params.maxDepth)[name]) })).filter(b => b.values.length > 0)
      return { data: Object.fromEntries(filled.map(b => [b.bin, mean(b.values)])), items: Object.fromEntries(filled.map(b => [b.bin, b.values.length])), auc: filled.length < 2 ? 0 : mean(filled.map(b => mean(b.values))) }
    }
    const [center, size, yaw, pitchRoll] = ['Center_Dist', 'Size_Similarity', 'OS_Yaw', 'OS_Pitch_Roll'].map(score)
    return { label, ap, perDepth: Object.fromEntries(perDepth), center, size, yaw, pitchRoll, confidence, truth: images.flatMap(i => i.groundTruth).filter(g => g.label === label).length, score: ap.auc * (center.auc + size.auc + yaw.auc + pitchRoll.auc) / 4 }
  })
  const classes = <T>(value: (c: (typeof per)[number]) => T): Record<string, T> => Object.fromEntries(per.map(c => [c.label, value(c)]))
  const over = (value: (c: (typeof per)[number]) => number): number => mean(per.filter(c => c.truth > 0).map(value))
  return {
    AP: classes(c => c.ap), AP_per_depth: classes(c => c.perDepth), Center_Dist: classes(c => c.center), Size_Similarity: classes(c => c.size), OS_Yaw: classes(c => c.yaw), OS_Pitch_Roll: classes(c => c.pitchRoll),
    GT_stats: classes(c => c.truth), working_confidence: classes(c => c.confidence),
    eval_params: { labels: params.labels, min_iou_to_match: params.minIou, max_depth: params.maxDepth, step_size: params.stepSize, matching_method: params.matching === 'modal' ? 'Modal' : 'Amodal' },
    Detection_Score: classes(c => c.score), mDetection_Score: over(c => c.score), mAP: over(c => c.ap.auc), mCenter_Dist: over(c => c.center.auc), mSize_Similarity: over(c => c.size.auc), mOS_Yaw: over(c => c.yaw.auc), mOS_Pitch_Roll: over(c => c.pitchRoll.auc),
  }
}
