// The scale of depth and disparity: the colour of a value, the round values along it.
import { colourMap } from './colour-map.ts'
import type { Colour } from './colours.ts'

export interface DepthOptions {
  readonly unit: 'metres' | 'pixels of disparity'
  /** end of the scale; larger values have its colour */
  readonly max: number
}

/** Where there is no value: not finite, zero or negative; in metres also below half of the near end of the scale, where a camera on a vehicle sees nothing but a network's trace of missing measurements. */
export const noValue: Colour = [96, 96, 96]
export const isValue = (value: number, { unit, max }: DepthOptions): boolean => value > (unit === 'metres' ? max / 64 : 0) && value < Infinity

/**
 * Near is bright. Distance grows to the dark end on a logarithmic scale from `max` / 32, for the eye sees ratios of distance; disparity, which is large for what is near, is linear from 0.
 * 0 (dark) to 255 (bright).
 */
export function depthIndex(value: number, { unit, max }: DepthOptions): number {
  const t = unit === 'metres' ? -Math.log2(value / max) / 5 : value / max
  return Math.round(255 * Math.min(1, Math.max(0, t)))
}

/** Round values of the scale: 1, 2 or 5 times a power of ten for a linear one; a halving per step for a logarithmic one. */
export function ticks({ unit, max }: DepthOptions): number[] {
  if (unit === 'metres') return Array.from({ length: 6 }, (_, i) => max / 2 ** i)
  const step = [1, 2, 5, 10].map(f => f * 10 ** Math.floor(Math.log10(max / 8))).find(s => max / s <= 8)!
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, i) => i * step)
}

/** The colour of a value, or of none. */
export const depthColour = (value: number, options: DepthOptions): Colour => (isValue(value, options) ? colourMap[depthIndex(value, options)] : noValue)

/** Where a value lies on a bar whose ends are 0 and 1: near to far in metres, far to near in disparity. */
export const barPosition = (value: number, { unit, max }: DepthOptions): number => (unit === 'metres' ? Math.log2(value / max) / 5 + 1 : value / max)

/** The value at a place of the bar: the inverse of `barPosition`. */
export const barValue = (position: number, { unit, max }: DepthOptions): number => (unit === 'metres' ? max / 32 * 32 ** position : max * position)

/** At most two decimals, without zeros at the end. */
export const short = (v: number): string => `${Number(v.toFixed(v >= 10 ? 1 : 2))}`

/** A tick in words: the last one stands for all that lies beyond. */
export const tickText = (tick: number, { unit, max }: DepthOptions): string => `${short(tick)}${tick === max ? '+' : ''} ${unit === 'metres' ? 'm' : 'px'}`

/** What has the colour `noValue`, in words. */
export const noValueText = ({ unit, max }: DepthOptions): string => (unit === 'metres' ? `none, or below ${short(max / 64)} m` : 'no value')
