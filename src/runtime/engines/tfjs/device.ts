// A device of tfjs that has been loaded.
import type { TfjsDevice } from './protocol.ts'

/** The namespace of @tensorflow/tfjs-core, or of a package that holds it. */
export type Tf = typeof import('@tensorflow/tfjs-core')

export interface LoadedDevice {
  readonly device: TfjsDevice
  readonly tf: Tf
  /** Package and version, and the name of a GPU. */
  readonly detail: string
  /** What went wrong outside of any call since the last time it was asked: a GPU reports later. */
  failure(): string | undefined
}

/** A device that is not here: the message says why, and how to get it. */
export class DeviceError extends Error {}
