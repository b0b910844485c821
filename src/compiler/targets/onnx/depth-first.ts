// How onnxruntime walks a graph, and how the compiler writes one for it.

/** Indices behind what they need, `before[i]`: of the roots and of what a node needs, the last one first. */
export function depthFirst(roots: readonly number[], before: readonly (readonly number[])[]): number[] {
  const order: number[] = [], visited = new Uint8Array(before.length)
  // Entries below zero leave the node ~entry.
  const stack = [...roots]
  while (stack.length > 0) {
    const top = stack.pop()!
    if (top < 0) { order.push(~top); continue }
    if (visited[top] === 1) continue
    visited[top] = 1
    stack.push(~top)
    for (const i of before[top]) if (visited[i] === 0) stack.push(i)
  }
  return order
}
