// Wire frames, the view from above and sheets: pixels of cases whose geometry is known.
import { describe, expect, it } from 'vitest'
import { sensorTransform } from '../../src/runtime/data/cityscapes3d/camera.ts'
import type { Camera } from '../../src/runtime/data/dataset.ts'
import { birdsEye } from '../../src/runtime/draw/birds-eye.ts'
import { boxes3d } from '../../src/runtime/draw/boxes.ts'
import { painted } from '../../src/runtime/draw/canvas.ts'
import { groundMap } from '../../src/runtime/draw/ground.ts'
import { pasted, pixelAt, plain, type Picture } from '../../src/runtime/draw/picture.ts'
import { encodePicture } from '../../src/runtime/draw/png.ts'
import { contactSheet } from '../../src/runtime/draw/sheet.ts'
import { vehicleColour } from '../../src/runtime/draw/colours.ts'
import { headingArrow, wireFrame, type DrawnBox } from '../../src/runtime/draw/wireframe.ts'

/** At the origin of V, looking ahead. */
const camera: Camera = { fx: 100, fy: 100, u0: 100, v0: 50, baseline: 0.2, sensorTIso8855: sensorTransform({ baseline: 0.2, pitch: 0, roll: 0, yaw: 0, x: 0, y: 0, z: 0 }) }
const [height, width] = [101, 201]
/** A cube of 2 m, its near face 4 m ahead, its front face 6 m. */
const cube: DrawnBox = { label: 'car', center: [5, 0, 0], dimensions: [2, 2, 2], rotation: [1, 0, 0, 0], score: 0.5 }
const turned = (yaw: number): DrawnBox => ({ ...cube, rotation: [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)] })
const black = plain(height, width, [0, 0, 0])

describe('the wire frame', () => {
  it('is where the camera sees it', () => {
    const frame = wireFrame(cube, camera, height, width)!
    expect(frame.edges).toHaveLength(12)
    expect(frame.hull.map(v => Math.round(v))).toEqual([75, 25, 125, 75])
    expect(frame.depth).toBeCloseTo(5, 12)
  })

  it('knows which edges and whether the front are hidden', () => {
    const frame = wireFrame(cube, camera, height, width)!
    // From the middle of its back nothing but the back is seen: the eight other edges are hidden.
    expect(frame.edges.filter(e => e.hidden)).toHaveLength(8)
    expect(frame.frontSeen).toBe(false)
    expect(wireFrame(turned(Math.PI), camera, height, width)!.frontSeen).toBe(true)
    expect(wireFrame({ ...cube, center: [5, 4, 0] }, camera, height, width)!.edges.filter(e => e.hidden)).toHaveLength(5)
  })

  it('points ahead', () => {
    const { tail, head } = headingArrow(turned(Math.PI / 2))
    expect(tail.map(v => Number(v.toFixed(9)))).toEqual([5, 0, -1])
    expect(head[1]).toBeGreaterThan(1)
    expect(head[0]).toBeCloseTo(5, 9)
  })

  it('is cut at the camera and at the borders of the image', () => {
    const around = wireFrame({ ...cube, center: [0, 0, -1.6], dimensions: [4, 2, 1] }, camera, height, width)
    for (const { from, to } of around?.edges ?? []) for (const [x, y] of [from, to]) expect(x >= -1e-9 && y >= -1e-9 && x <= width - 1 + 1e-9 && y <= height - 1 + 1e-9).toBe(true)
    expect(wireFrame({ ...cube, center: [3, 3, 0], dimensions: [4, 2, 2] }, camera, height, width)!.edges.length).toBeGreaterThan(0)
    expect(wireFrame({ ...cube, center: [-5, 0, 0] }, camera, height, width)).toBeUndefined()
    expect(wireFrame({ ...cube, center: [5, 50, 0] }, camera, height, width)).toBeUndefined()
  })
})

describe('boxes on an image', () => {
  const picture = boxes3d(black, [cube], camera, { legend: false })

  it('have the colour of their class on their edges, and leave the rest alone', () => {
    expect(pixelAt(picture, 60, 75)).toEqual(vehicleColour('car'))
    expect(pixelAt(picture, 75, 110)).toEqual(vehicleColour('car'))
    expect(pixelAt(picture, 60, 60)).toEqual([0, 0, 0])
    expect(pixelAt(picture, 90, 100)).toEqual([0, 0, 0])
  })

  it('are tinted in front', () => {
    // The front face of the cube spans 83 to 117 across.
    const [inFront, beside] = [pixelAt(picture, 45, 92), pixelAt(picture, 45, 79)]
    expect(inFront[2]).toBeGreaterThan(20)
    expect(beside).toEqual([0, 0, 0])
  })

  it('of the ground truth are white and lie below predictions', () => {
    const both = boxes3d(black, [cube], camera, { groundTruth: [{ ...cube, center: [5, 0.4, 0] }], legend: false })
    expect(pixelAt(both, 60, 75)).toEqual(vehicleColour('car'))
    const column = Array.from({ length: 51 }, (_, i) => pixelAt(both, 25 + i, 65).join())
    expect(column).toContain('255,255,255')
  })

  it('none: the image is as it was, and the legend says so', () => {
    expect(boxes3d(black, [], camera, { legend: false }).data).toEqual(black.data)
    expect(boxes3d(black, [], camera).height).toBeGreaterThan(height)
  })

  it('may be degenerate, huge or not finite', () => {
    for (const odd of [{ ...cube, dimensions: [0, 0, 0] as const }, { ...cube, dimensions: [1e9, 1e9, 1e9] as const }, { ...cube, center: [NaN, 0, 0] as const }, { ...cube, rotation: [0, 0, 0, 0] as const }]) {
      expect(boxes3d(black, [odd], camera).height).toBeGreaterThan(height)
      expect(birdsEye([odd]).height).toBe(1200)
    }
  })
})

describe('the view from above', () => {
  it('has its scale', () => {
    const map = groundMap(1060, 500, 100)
    expect(map.scale).toBeCloseTo(10, 12)
    expect(map.at(0, 0)).toEqual([250, 1000])
    expect(map.at(100, 25)).toEqual([0, 0])
  })

  it('shows predictions in colour, filled, and ground truth white', () => {
    const picture = birdsEye([cube], [{ ...cube, center: [30, 0, 0], dimensions: [8, 4, 2] }], { height: 1060, width: 500, range: 100 })
    const colours = new Set(Array.from({ length: picture.height * picture.width }, (_, i) => pixelAt(picture, Math.floor(i / picture.width), i % picture.width).join()))
    expect(colours.has(vehicleColour('car').join())).toBe(true)
    expect(colours.has('255,255,255')).toBe(true)
    expect(colours.has(vehicleColour('bus').join())).toBe(false)
  })

  it('turns with the heading: left is left', () => {
    const lit = ({ width: w, data }: Picture, x: number, y: number): boolean => data[3 * (y * w + x) + 2] > 200
    const picture = birdsEye([{ ...turned(Math.PI / 2), center: [50, 20, 0], dimensions: [10, 2, 2] }], [], { height: 1000, width: 1000 })
    const map = groundMap(1000 - Math.round(Math.round(1.35 * 14) * 3.6), 1000, 100)
    const [x, y] = map.at(50, 27).map(Math.round)
    // The arrow reaches beyond the front, 5 m to the left of the centre.
    expect([-1, 0, 1].some(d => lit(picture, x, y + d))).toBe(true)
    expect([-1, 0, 1].some(d => lit(picture, ...(map.at(50, 13).map(Math.round) as [number, number]).map((v, i) => v + (i === 1 ? d : 0)) as [number, number]))).toBe(false)
  })
})

describe('sheets', () => {
  const panel = (colour: readonly [number, number, number]) => ({ caption: 'a', picture: plain(50, 100, colour) })

  it('hold every panel at its place', () => {
    const sheet = contactSheet([panel([255, 0, 0]), panel([0, 255, 0]), panel([0, 0, 255])], { panelWidth: 100 })
    expect(sheet.width).toBe(16 + 116 + 116)
    const firstRow = 16 + 35
    expect(pixelAt(sheet, firstRow, 16)).toEqual([255, 0, 0])
    expect(pixelAt(sheet, firstRow, 132)).toEqual([0, 255, 0])
    expect(pixelAt(sheet, firstRow + 50 + 16 + 35, 16)).toEqual([0, 0, 255])
  })

  it('take pictures of any proportion', () => {
    for (const [h, w] of [[1, 1], [3000, 1], [1, 3000]]) {
      const sheet = contactSheet([{ caption: 'x', picture: plain(h, w, [9, 9, 9]) }], { panelWidth: 200, title: 't', note: 'n', side: rows => ({ caption: 's', picture: plain(rows, 10, [1, 1, 1]) }) })
      expect(sheet.height).toBeLessThan(700)
    }
  })
})

describe('pictures', () => {
  it('keep their pixels through the canvas', () => {
    const noise = { height: 16, width: 16, data: Uint8Array.from({ length: 768 }, (_, i) => (i * 97) % 256) }
    expect(painted(noise, () => {}).data).toEqual(noise.data)
  })

  it('are pasted and encoded', () => {
    expect(pixelAt(pasted(plain(3, 3, [0, 0, 0]), plain(1, 1, [5, 6, 7]), 2, 1), 2, 1)).toEqual([5, 6, 7])
    expect([...encodePicture(plain(1, 1, [1, 2, 3])).subarray(1, 4)]).toEqual([80, 78, 71])
  })

  it('have letters without a font of the machine', () => {
    const text = painted(plain(40, 200, [0, 0, 0]), brush => {
      brush.fillStyle = '#fff'
      brush.font = '30px "mtlc DejaVu Sans"'
      brush.fillText('mmm', 5, 30)
    })
    expect(text.data.some(v => v > 200)).toBe(true)
  })
})
