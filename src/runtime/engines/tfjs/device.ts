// A device of tfjs that has been loaded.
import type { TfjsDevice } from './protocol.ts'

/** The namespace of @tensorflow/tfjs-core, or of a package that holds it. */
export type Tf = typeof import('@tensorflow/tfjs-core')

export interface LoadedDevice {
  readonly device: TfjsDevice
  readonly tf: Tf
  /** What emitted modules are given, where that is not `tf`. */
  readonly calls?: Tf
  /** Package and version, and the name of a GPU. */
  readonly detail: string
  /** Waits for `work`, and throws what goes wrong meanwhile outside of any call: a GPU says later, and else only that nothing arrives, if that. */
  watch<T>(work: Promise<T>): Promise<T>
}

/** For devices whose calls throw all that goes wrong. */
export const unwatched: LoadedDevice['watch'] = work => work

/** A device that is not here: the message says why, and how to get it. */
export class DeviceError extends Error {}
