// Metrics of evaluations: which direction is better, and how they are written.
import { metricPoints, type Run } from './run.ts'

/** Errors are better when lower; everything else when higher. Metrics are named `task/measure`. */
export const lowerIsBetterMetric = (metric: string): boolean => /(rmse|mae|abs_?rel|sq_?rel|loss|error)$/i.test(metric)

export interface BestMetric { readonly metric: string; readonly step: number; readonly value: number; readonly shown: string }

/** Shares in percent, as papers give them; errors in their unit. */
export const showMetric = (metric: string, value: number): string => (lowerIsBetterMetric(metric) ? value.toPrecision(4) : `${(100 * value).toFixed(2)} %`)

/** The best value of a metric in a run, the earliest of equals. */
export function bestOf(run: Run, metric: string): BestMetric | undefined {
  const sign = lowerIsBetterMetric(metric) ? -1 : 1
  let best: readonly [number, number] | undefined
  for (const p of metricPoints(run, metric)) if (best === undefined || sign * p[1] > sign * best[1]) best = p
  return best === undefined ? undefined : { metric, step: best[0], value: best[1], shown: showMetric(metric, best[1]) }
}
