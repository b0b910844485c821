// The single figures of an evaluation, by the names under which a text may choose the best checkpoint.
import type { metricsOfKind } from '../../compiler/tasks/metrics.ts'
import type { DepthResult, DetectionResult, SegmentationResult, TaskResult } from './results.ts'

type Figures<K extends keyof typeof metricsOfKind> = Readonly<Record<keyof (typeof metricsOfKind)[K], number>>

const segmentation = ({ mIoU, accuracy }: SegmentationResult): Figures<'segmentation'> => ({ mIoU, accuracy })
const depth = (r: DepthResult): Figures<'depth'> => ({ rmse: r.rmse, mae: r.mae, abs_rel: r.absRel, sq_rel: r.sqRel, log_rmse: r.logRmse, delta1: r.delta1, delta2: r.delta2, delta3: r.delta3 })
const detection = (r: DetectionResult): Figures<'detection3d'> => ({ mDS: r.mDS, mDS_modal: r.mDSModal, mAP: r.amodal.mAP, mAP_modal: r.modal.mAP })

function figuresOf(result: TaskResult): Readonly<Record<string, number>> {
  switch (result.kind) {
    case 'segmentation': return segmentation(result)
    case 'depth': return depth(result)
    case 'detection3d': return detection(result)
  }
}

/** `TASK/NAME` -> value; NaN where there was nothing to judge. */
export const metricsOfResults = (tasks: Readonly<Record<string, TaskResult>>): Record<string, number> =>
  Object.fromEntries(Object.entries(tasks).flatMap(([task, result]) => Object.entries(figuresOf(result)).map(([name, value]) => [`${task}/${name}`, value])))
