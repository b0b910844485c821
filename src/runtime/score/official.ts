// Scores in the words of the official tool: its results.json, field by field.
import type { Curve } from './average-precision.ts'
import type { Scores } from './detections.ts'
import type { BinnedScore } from './true-positives.ts'

interface OfficialCurve { readonly data: { readonly recall: readonly number[]; readonly precision: readonly number[] }; readonly auc: number }
interface OfficialBins { readonly data: Readonly<Record<string, number>>; readonly items: Readonly<Record<string, number>>; readonly auc: number }
type PerClass<T> = Readonly<Record<string, T>>

/** The official results.json. Numbers that do not exist are NaN here, and null once written as JSON (the official tool writes the token NaN, which is no JSON). */
export interface OfficialResults {
  readonly AP: PerClass<OfficialCurve>
  readonly AP_per_depth: PerClass<Readonly<Record<string, OfficialCurve>>>
  readonly Center_Dist: PerClass<OfficialBins>
  readonly Size_Similarity: PerClass<OfficialBins>
  readonly OS_Yaw: PerClass<OfficialBins>
  readonly OS_Pitch_Roll: PerClass<OfficialBins>
  readonly GT_stats: PerClass<number>
  readonly working_confidence: PerClass<number>
  readonly eval_params: { readonly labels: readonly string[]; readonly min_iou_to_match: number; readonly max_depth: number; readonly step_size: number; readonly matching_method: 'Amodal' | 'Modal' }
  readonly Detection_Score: PerClass<number>
  readonly mDetection_Score: number
  readonly mAP: number
  readonly mCenter_Dist: number
  readonly mSize_Similarity: number
  readonly mOS_Yaw: number
  readonly mOS_Pitch_Roll: number
}

const curve = ({ recall, precision, auc }: Curve): OfficialCurve => ({ data: { recall, precision }, auc })
const bins = ({ data, items, auc }: BinnedScore): OfficialBins => ({ data: Object.fromEntries(data), items: Object.fromEntries(items), auc })

/** Same keys in the same order as the official tool writes. */
export function officialResults({ classes, params, mean }: Scores): OfficialResults {
  const per = <T>(value: (c: Scores['classes'][number]) => T): PerClass<T> => Object.fromEntries(classes.map(c => [c.label, value(c)]))
  return {
    AP: per(c => curve(c.ap)),
    AP_per_depth: per(c => Object.fromEntries([...c.apPerDepth].map(([bin, value]) => [bin, curve(value)]))),
    Center_Dist: per(c => bins(c.centerDistance)),
    Size_Similarity: per(c => bins(c.sizeSimilarity)),
    OS_Yaw: per(c => bins(c.yawSimilarity)),
    OS_Pitch_Roll: per(c => bins(c.pitchRollSimilarity)),
    GT_stats: per(c => c.groundTruth),
    working_confidence: per(c => c.workingConfidence),
    eval_params: { labels: params.labels, min_iou_to_match: params.minIou, max_depth: params.maxDepth, step_size: params.stepSize, matching_method: params.matching === 'amodal' ? 'Amodal' : 'Modal' },
    Detection_Score: per(c => c.detectionScore),
    mDetection_Score: mean.detectionScore, mAP: mean.ap, mCenter_Dist: mean.centerDistance, mSize_Similarity: mean.sizeSimilarity, mOS_Yaw: mean.yawSimilarity, mOS_Pitch_Roll: mean.pitchRollSimilarity,
  }
}
