// Pictures of dense predictions: every pixel of a small case is known.
import { describe, expect, it } from 'vitest'
import { colourMap } from '../../src/runtime/draw/colour-map.ts'
import { segmentationColour, trainClasses } from '../../src/runtime/draw/colours.ts'
import { depthIndex, noValue, ticks } from '../../src/runtime/draw/depth-scale.ts'
import { depthMap } from '../../src/runtime/draw/depth.ts'
import { pixelAt, plain } from '../../src/runtime/draw/picture.ts'
import { segmentationOverlay } from '../../src/runtime/draw/segmentation.ts'

describe('segmentation', () => {
  const image = plain(2, 3, [100, 50, 200])

  it('has the Cityscapes palette by train id, and black for what is no class', () => {
    const picture = segmentationOverlay(image, [0, 1, 10, 13, 18, 255], { opacity: 1, legend: false })
    expect([picture.height, picture.width]).toEqual([2, 3])
    expect([0, 1, 2, 3, 4, 5].map(i => pixelAt(picture, Math.floor(i / 3), i % 3))).toEqual([[128, 64, 128], [244, 35, 232], [70, 130, 180], [0, 0, 142], [119, 11, 32], [0, 0, 0]])
  })

  it('lets the image through', () => {
    const picture = segmentationOverlay(image, [0, 0, 0, 0, 0, 255], { opacity: 0.5, legend: false })
    expect(pixelAt(picture, 0, 0)).toEqual([114, 57, 164])
    expect(pixelAt(picture, 1, 2)).toEqual([50, 25, 100])
  })

  it('takes classes by name', () => {
    expect(pixelAt(segmentationOverlay(image, [1, 1, 1, 1, 1, 1], { classes: ['sky', 'car'], opacity: 1, legend: false }), 0, 0)).toEqual([0, 0, 142])
    expect(trainClasses).toHaveLength(19)
    expect(segmentationColour('spaceship')).toEqual([0, 0, 0])
  })

  it('has a legend below that leaves the picture as it is, with the colours of the classes that occur', () => {
    const wide = plain(40, 400, [0, 0, 0])
    const ids = new Uint8Array(40 * 400).fill(0).fill(10, 8000)
    const [bare, legended] = [segmentationOverlay(wide, ids, { legend: false }), segmentationOverlay(wide, ids)]
    expect(legended.data.subarray(0, bare.data.length)).toEqual(bare.data)
    const below = new Set<string>()
    for (let y = bare.height; y < legended.height; y++) for (let x = 0; x < legended.width; x++) below.add(pixelAt(legended, y, x).join())
    expect(below.has('128,64,128') && below.has('70,130,180')).toBe(true)
    expect(below.has('244,35,232')).toBe(false)
  })

  it('gives a picture too narrow for text a margin', () => {
    const picture = segmentationOverlay(plain(1, 1, [0, 0, 0]), [13], { opacity: 1 })
    expect(picture.width).toBeGreaterThan(300)
    expect(pixelAt(picture, 0, 0)).toEqual([0, 0, 142])
  })
})

describe('depth', () => {
  const metres = { unit: 'metres', max: 80 } as const

  it('is bright when near and dark when far, by halvings, and stops at the ends of the scale', () => {
    expect([80, 200, 2.5, 1.5].map(v => depthIndex(v, metres))).toEqual([0, 0, 255, 255])
    expect([40, 20, 10, 5].map(v => depthIndex(v, metres))).toEqual([51, 102, 153, 204])
    expect([0.001, 64, 128, 500].map(v => depthIndex(v, { unit: 'pixels of disparity', max: 128 }))).toEqual([0, 128, 255, 255])
  })

  it('draws each pixel in its colour, and gray where there is none', () => {
    const picture = depthMap({ height: 1, width: 6, data: [80, 2.5, NaN, 0, -1, 20] }, metres)
    expect([0, 1, 2, 3, 4, 5].map(x => pixelAt(picture, 0, x))).toEqual([colourMap[0], colourMap[255], noValue, noValue, noValue, colourMap[102]])
  })

  it('has a bar with the colours from end to end', () => {
    const picture = depthMap({ height: 1, width: 600, data: new Float32Array(600).fill(10) }, metres)
    const rows = Array.from({ length: picture.height }, (_, y) => Array.from({ length: picture.width }, (_, x) => pixelAt(picture, y, x).join()))
    const bar = rows.slice(1).find(row => row.includes(colourMap[0].join()))!
    expect(bar.indexOf(colourMap[255].join())).toBeGreaterThan(0)
    expect(bar.indexOf(colourMap[128].join())).toBeGreaterThan(bar.lastIndexOf(colourMap[250].join()))
    expect(bar.indexOf(colourMap[0].join())).toBeGreaterThan(bar.lastIndexOf(colourMap[128].join()))
  })

  it('has round ticks', () => {
    expect(ticks(metres)).toEqual([80, 40, 20, 10, 5, 2.5])
    expect(ticks({ unit: 'pixels of disparity', max: 128 })).toEqual([0, 20, 40, 60, 80, 100, 120])
    expect(ticks({ unit: 'pixels of disparity', max: 80 })).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80])
  })
})

it('the colour map gets lighter in even steps', () => {
  expect(colourMap).toHaveLength(256)
  const linear = (v: number): number => (v <= 10.31475 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)
  // Lightness of OKLab.
  const lightness = colourMap.map(([r, g, b]) => {
    const [x, y, z] = [linear(r), linear(g), linear(b)]
    return 0.2104542553 * Math.cbrt(0.4122214708 * x + 0.5363325363 * y + 0.0514459929 * z) + 0.793617785 * Math.cbrt(0.2119034982 * x + 0.6806995451 * y + 0.1073969566 * z) - 0.0040720468 * Math.cbrt(0.0883024619 * x + 0.2817188376 * y + 0.6299787005 * z)
  })
  for (let i = 0; i < 256; i++) expect(Math.abs(lightness[i] - (0.22 + 0.7 * i / 255))).toBeLessThan(0.01)
})
