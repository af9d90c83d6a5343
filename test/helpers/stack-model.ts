/**
 * A slow and obvious model of the rules of stacks, written from their text and not from the code: a stack is the list
 * of its events; everything else is derived from the lists whenever it is asked for.
 */
export type ModelEvent = { name: string; at: number }
/** `window` null: no end. */
export type ModelStack = { window: number | null; events: ModelEvent[] }

const first = (stack: ModelStack) => Math.min(...stack.events.map((event) => event.at))
const last = (stack: ModelStack) => Math.max(...stack.events.map((event) => event.at))

/** The stacks of one provider and key. */
export class StackModel {
  stacks: ModelStack[] = []

  /** `[opensAt, closesAt)`: from the first event, one window long, or until the next stack opens. */
  interval(stack: ModelStack): { opensAt: number; closesAt: number } {
    const opensAt = first(stack)
    const later = this.stacks.map(first).filter((opening) => opening > opensAt)
    return { opensAt, closesAt: Math.min(opensAt + (stack.window ?? Infinity), ...later) }
  }

  add(event: ModelEvent, window: number | null): ModelStack {
    const stack = this.#stackFor(event.at) ?? this.#open(window)
    stack.events.push(event)
    return stack
  }

  /** Takes an event out; a stack without events is gone. */
  remove(name: string): void {
    for (const stack of this.stacks) stack.events = stack.events.filter((event) => event.name !== name)
    this.stacks = this.stacks.filter((stack) => stack.events.length > 0)
  }

  #stackFor(at: number): ModelStack | undefined {
    const holding = this.stacks.find((stack) => {
      const { opensAt, closesAt } = this.interval(stack)
      return opensAt <= at && at < closesAt
    })
    if (holding) return holding
    const later = this.stacks.filter((stack) => first(stack) > at)
    const next = later.find((stack) => later.every((other) => first(stack) <= first(other)))
    return next && last(next) - at < (next.window ?? Infinity) ? next : undefined
  }

  #open(window: number | null): ModelStack {
    const stack: ModelStack = { window, events: [] }
    this.stacks.push(stack)
    return stack
  }
}

/** Events in the order of their time, split greedily: the first opens, the others join until the window has passed. */
export function splitGreedily(times: number[], window: number | null): number[][] {
  const stacks: number[][] = []
  for (const time of times.toSorted((a, b) => a - b)) {
    const open = stacks.at(-1)
    if (open && time < open[0]! + (window ?? Infinity)) open.push(time)
    else stacks.push([time])
  }
  return stacks
}
