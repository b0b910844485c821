// What an evaluation says of each task: the shape of results.json.
import type { OfficialResults } from '../score/official.ts'
import type { DepthScores } from '../tasks/depth.ts'

/** Least score of a box that pictures of an evaluation show: those below would hide the image. */
export const leastDrawn = 0.1

/** Numbers that do not exist (no such pixel, no such box) are NaN here and null in JSON. */
export interface SegmentationResult {
  readonly kind: 'segmentation'
  readonly mIoU: number
  readonly accuracy: number
  readonly constantMIoU: number
  readonly iou: Readonly<Record<string, number | null>>
  /** pixels; rows are ground truth, columns predictions, in the order of the classes */
  readonly confusion: readonly (readonly number[])[]
}
export interface DepthResult extends DepthScores { readonly kind: 'depth'; readonly unit: 'metres' | 'pixels of disparity'; readonly max: number; readonly constantRmse: number }
export interface DetectionResult {
  readonly kind: 'detection3d'
  /** by the official matching of amodal boxes */
  readonly mDS: number
  readonly matching: 'amodal'
  /** by matching modal boxes, as the TaskPrompter report does */
  readonly mDSModal: number
  readonly amodal: OfficialResults
  readonly modal: OfficialResults
}
export type TaskResult = SegmentationResult | DepthResult | DetectionResult

/** How well one image went; what a task has nothing to judge by is NaN. */
export interface ImageScore { readonly id: string; readonly index: number; /** by task: mIoU, RMSE, or F1 of the boxes */ readonly scores: Readonly<Record<string, number>> }

/** Lower is better for errors. */
export const lowerIsBetter = (kind: TaskResult['kind']): boolean => kind === 'depth'
