// Metrics of evaluations: the best of a run, and how they are written.
import { metricsOfKind, type Direction } from '../../compiler/tasks/metrics.ts'
import { metricPoints, type Run } from './run.ts'

const directions = new Map<string, Direction>(Object.values(metricsOfKind).flatMap(kind => Object.entries(kind)))

/** Of a metric written `task/name`. */
const lowerIsBetter = (metric: string): boolean => directions.get(metric.slice(metric.lastIndexOf('/') + 1)) === 'lower'

export interface BestMetric { readonly metric: string; readonly step: number; readonly value: number; readonly shown: string }

/** Shares in percent, as papers give them; errors in their unit. */
export const showMetric = (metric: string, value: number): string => (lowerIsBetter(metric) ? value.toPrecision(4) : `${(100 * value).toFixed(2)} %`)

/** The best value of a metric in a run, the earliest of equals. */
export function bestOf(run: Run, metric: string): BestMetric | undefined {
  const sign = lowerIsBetter(metric) ? -1 : 1
  let best: readonly [number, number] | undefined
  for (const p of metricPoints(run, metric)) if (best === undefined || sign * p[1] > sign * best[1]) best = p
  return best === undefined ? undefined : { metric, step: best[0], value: best[1], shown: showMetric(metric, best[1]) }
}
