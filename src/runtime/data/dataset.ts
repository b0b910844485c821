// What a data set hands to the task codecs: one decoded sample, in original pixels, nothing encoded yet.

/** Pinhole camera of the sensor frame S (x right, y down, z forward), pixels of the original image, and the stereo baseline in metres. */
export interface Camera { readonly fx: number; readonly fy: number; readonly u0: number; readonly v0: number; readonly baseline: number; /** 3x4 row-major, vehicle frame V -> camera frame C */ readonly sensorTIso8855: readonly (readonly number[])[] }

/** One annotated box, as in the json (frame V): centre in metres, dimensions [length, width, height] in metres, quaternion w, x, y, z. 2D boxes are [x, y, w, h] in pixels. */
export interface Box3d { readonly label: string; readonly center: readonly [number, number, number]; readonly dimensions: readonly [number, number, number]; readonly rotation: readonly [number, number, number, number]; readonly modal: readonly [number, number, number, number]; readonly amodal: readonly [number, number, number, number]; readonly instanceId: number; readonly occlusion: number; readonly truncation: number }

/** A part of the image where the metric counts no unmatched prediction: x, y, w, h in pixels. */
export interface IgnoreRegion { readonly label: string; readonly box: readonly [number, number, number, number] }

export interface Sample {
  /** `<city>_<seq>_<frame>` */
  readonly id: string
  readonly height: number
  readonly width: number
  /** RGB, 8 bit, row-major HWC */
  readonly image: Uint8Array
  /** label ids 0..33, row-major */
  readonly labelIds: Uint8Array | undefined
  /** raw 16-bit disparity: 0 no measurement, else (p - 1) / 256 pixels */
  readonly disparity: Uint16Array | undefined
  readonly camera: Camera | undefined
  readonly boxes: readonly Box3d[] | undefined
  /** with boxes: what the box file leaves out of the scoring */
  readonly ignores?: readonly IgnoreRegion[]
}

export interface Dataset {
  readonly root: string
  readonly split: string
  readonly ids: readonly string[]
  /** Throws DataError naming file, what was found and what was expected. */
  load(index: number): Promise<Sample>
}

/** A user's mistake in data: the message names the path, what was found, what was expected and the likely fix. */
export class DataError extends Error {}
