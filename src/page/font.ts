// Letters on canvases: those of the page.
import type { Font } from '../runtime/draw/brush.ts'

export const font: Font = (size, weight = 'normal') => `${weight} ${size}px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`
