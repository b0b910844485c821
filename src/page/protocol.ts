// What the page and its worker say to each other.
import type { ModelFacts } from '../runtime/model-facts.ts'
import type { FoundCamera } from '../runtime/predict/calibration.ts'
import type { Size } from '../runtime/predict/fit.ts'
import type { Prediction } from '../runtime/predict/predict.ts'
import type { Backend } from './network/tensorflow.ts'

export interface Scene { readonly title: string; readonly image: string; readonly camera: string }

/** What model.json holds. */
export type About = ModelFacts & { readonly mtlc: string; readonly scenes: readonly Scene[] }

/** A camera file as it was read, unchecked. */
export interface CameraText { readonly name: string; readonly text: string }

export interface Picked { readonly name: string; readonly image: Blob; readonly camera?: CameraText }

export type Ask =
  | { readonly kind: 'open'; readonly backend: Backend | 'auto' }
  | { readonly kind: 'predict'; readonly picked: Picked }
  /** the model alone, on the last picture */
  | { readonly kind: 'measure'; readonly runs: number }

/** Milliseconds: the picture decoded, scaled and normalised; the model, from host to host; its outputs decoded. */
export interface Times { readonly prepare: number; readonly model: number; readonly decode: number }

export interface Result {
  readonly name: string
  /** of the file */
  readonly size: Size
  /** at the size in which predictions are given */
  readonly picture: ImageBitmap
  readonly predictions: readonly Prediction[]
  /** of `picture`, and where it comes from */
  readonly camera: FoundCamera
  /** how large the model saw it */
  readonly content: Size
  readonly times: Times
  /** the first run on a backend compiles */
  readonly first: boolean
}

export type Tell =
  | { readonly kind: 'progress'; readonly text: string; readonly share: number | undefined }
  | { readonly kind: 'ready'; readonly backend: Backend; readonly detail: string; readonly note: string | undefined }
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'measured'; readonly times: readonly number[] }
  | { readonly kind: 'failed'; readonly asked: Ask['kind']; readonly message: string }
