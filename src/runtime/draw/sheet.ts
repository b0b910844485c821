// One sheet with all pictures of an image: wide ones in columns, a tall one at the side, captions and a title.
import { font, painted, scaled } from './canvas.ts'
import { background, css, faint, ink } from './colours.ts'
import { pasted, plain, type Picture } from './picture.ts'

export interface Panel { readonly caption: string; readonly picture: Picture }

export interface SheetOptions {
  readonly title?: string
  /** one line below everything: what a reader must know, such as an assumed camera */
  readonly note?: string
  /** of the panels; 2 where not given */
  readonly columns?: number
  /** of one panel, in pixels; its height is at most 1.5 times as much */
  readonly panelWidth?: number
  /** as high as all rows together, on the right */
  readonly side?: (height: number) => Panel
}

const gap = 16
const captionSize = 22

/** Into a box of that width and 1.5 times the height, not below one pixel. */
function fit(picture: Picture, width: number): Picture {
  const scale = Math.min(width / picture.width, (1.5 * width) / picture.height)
  return scaled(picture, Math.max(1, Math.round(picture.height * scale)), Math.max(1, Math.round(picture.width * scale)))
}

/** Panels are scaled to one width and fill rows from the left; every row is as high as its highest panel. */
export function contactSheet(panels: readonly Panel[], { title, note, columns = 2, panelWidth = 1024, side }: SheetOptions = {}): Picture {
  const captionHeight = Math.round(captionSize * 1.6)
  const top = title === undefined ? gap : gap + Math.round(captionSize * 2)
  const wide = Math.min(columns, Math.max(1, panels.length))
  const fitted = panels.map(p => ({ ...p, picture: fit(p.picture, panelWidth) }))
  const rows = Array.from({ length: Math.ceil(panels.length / wide) }, (_, r) => fitted.slice(r * wide, (r + 1) * wide))
  const heights = rows.map(row => captionHeight + Math.max(...row.map(p => p.picture.height)))
  const body = Math.max(heights.reduce((a, b) => a + b, 0) + gap * Math.max(0, heights.length - 1), side === undefined ? 0 : 480)
  const tall = side?.(body - captionHeight)
  const left = panels.length === 0 ? gap : gap + wide * (panelWidth + gap)
  const width = left + (tall === undefined ? 0 : tall.picture.width + gap)
  const height = top + body + gap + (note === undefined ? 0 : Math.round(captionSize * 1.8))
  let sheet = plain(height, width, background)
  const captions: { text: string; x: number; y: number }[] = []
  const put = ({ caption, picture }: Panel, x: number, y: number): void => {
    captions.push({ text: caption, x, y })
    sheet = pasted(sheet, picture, y + captionHeight, x)
  }
  let y = top
  rows.forEach((row, r) => {
    row.forEach((panel, c) => put(panel, gap + c * (panelWidth + gap), y))
    y += heights[r] + gap
  })
  if (tall !== undefined) put(tall, left, top)
  return painted(sheet, brush => {
    brush.textBaseline = 'middle'
    brush.fillStyle = css(ink)
    brush.font = font(captionSize, 'bold')
    if (title !== undefined) brush.fillText(title, gap, gap + captionSize * 0.8, width - 2 * gap)
    brush.font = font(captionSize * 0.9)
    for (const { text, x, y: at } of captions) brush.fillText(text, x, at + captionHeight / 2)
    brush.fillStyle = css(faint)
    if (note !== undefined) brush.fillText(note, gap, height - captionSize, width - 2 * gap)
  })
}
