import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ModelEvent, StackModel, splitGreedily } from '../../test/helpers/stack-model.ts'
import { closingTime, type Interval, Series } from './placement.ts'

type Arrival = { at: number; window: number | null }

/** Times lie close together, so that windows of this size begin, end and meet often. */
const windows = fc.constantFrom(1, 2, 10, 25, 100, null)
const times = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 400 }))
const anyOrder = (window: fc.Arbitrary<number | null>): fc.Arbitrary<Arrival[]> =>
  fc.array(fc.record({ at: times, window }), { minLength: 1, maxLength: 40 })

/** Places one after the other; says which stack each event went to. */
function placeAll(arrivals: Arrival[]): { series: Series; stackOf: string[] } {
  const series = new Series([])
  let made = 0
  const stackOf = arrivals.map(({ at, window }) => {
    const { interval } = series.place(at, window, () => `stack ${++made}`)
    return interval.stackId
  })
  return { series, stackOf }
}

const sameWindow = fc
  .tuple(windows, fc.array(times, { minLength: 1, maxLength: 40 }))
  .map(([window, all]) => all.map((at) => ({ at, window })))

function timesByStack(arrivals: Arrival[], stackOf: string[]): number[][] {
  const groups = Map.groupBy(arrivals.keys(), (index) => stackOf[index]!)
  return Array.from(groups.values(), (indexes) =>
    indexes.map((index) => arrivals[index]!.at).sort((a, b) => a - b),
  )
}

test('intervals never overlap, and each ends one window after its opening or where the next opens', () => {
  fc.assert(
    fc.property(anyOrder(windows), (arrivals) => {
      const { intervals } = placeAll(arrivals).series
      intervals.forEach((interval, index) => {
        const next = intervals[index + 1]
        if (next) assert.ok(interval.openedAt < next.openedAt)
        assert.equal(
          interval.closesAt,
          closingTime(interval.openedAt, interval.windowMs, next?.openedAt ?? null),
        )
        if (next) assert.ok(interval.closesAt !== null && interval.closesAt <= next.openedAt)
      })
    }),
  )
})

test('every event lies inside the interval of its stack, which opens with its first event', () => {
  fc.assert(
    fc.property(anyOrder(windows), (arrivals) => {
      const { series, stackOf } = placeAll(arrivals)
      for (const interval of series.intervals) {
        const own = arrivals.filter((_, index) => stackOf[index] === interval.stackId)
        assert.equal(interval.openedAt, Math.min(...own.map(({ at }) => at)))
        assert.equal(interval.lastEventAt, Math.max(...own.map(({ at }) => at)))
        assert.ok(interval.lastEventAt < (interval.closesAt ?? Infinity))
      }
    }),
  )
})

test('events go to the stacks that the model says, in any order and with windows that change', () => {
  fc.assert(
    fc.property(anyOrder(windows), (arrivals) => {
      const { series, stackOf } = placeAll(arrivals)
      const model = new StackModel()
      arrivals.forEach(({ at, window }, index) => {
        model.add({ name: String(index), at }, window)
      })
      const actual = Map.groupBy(arrivals.keys(), (index) => stackOf[index]!)
      const expected = model.stacks.map((stack) =>
        stack.events.map((event: ModelEvent) => Number(event.name)),
      )
      assert.deepEqual(
        [...actual.values()].sort((a, b) => a[0]! - b[0]!),
        expected.sort((a, b) => a[0]! - b[0]!),
      )
      for (const stack of model.stacks) {
        const { opensAt, closesAt } = model.interval(stack)
        const interval = series.intervals.find(({ openedAt }) => openedAt === opensAt)
        assert.equal(interval?.closesAt ?? Infinity, closesAt)
        assert.equal(interval?.windowMs, stack.window)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('events that arrive in order are split greedily', () => {
  fc.assert(
    fc.property(sameWindow, (arrivals) => {
      const inOrder = arrivals.toSorted((a, b) => a.at - b.at)
      const { stackOf } = placeAll(inOrder)
      assert.deepEqual(
        timesByStack(inOrder, stackOf),
        splitGreedily(
          arrivals.map(({ at }) => at),
          arrivals[0]!.window,
        ),
      )
    }),
  )
})

test('events whose whole span is shorter than the window form one stack, in whatever order they arrive', () => {
  const within = fc.integer({ min: 1, max: 100 }).chain((window) =>
    fc.array(
      fc.integer({ min: 0, max: window - 1 }).map((at) => ({ at, window })),
      { minLength: 1 },
    ),
  )
  fc.assert(
    fc.property(within, (arrivals) => {
      assert.equal(placeAll(arrivals).series.intervals.length, 1)
    }),
  )
})

test('without an end, all events of a key form one stack', () => {
  fc.assert(
    fc.property(anyOrder(fc.constant(null)), (arrivals) => {
      const [only, ...others] = placeAll(arrivals).series.intervals
      assert.deepEqual(others, [])
      assert.equal(only?.closesAt, null)
    }),
  )
})

const open = (openedAt: number, windowMs: number | null, lastEventAt = openedAt): Interval => ({
  stackId: `from ${openedAt}`,
  openedAt,
  closesAt: windowMs === null ? null : openedAt + windowMs,
  windowMs,
  lastEventAt,
})

test('a late event pulls the opening of the next stack back, and its end with it', () => {
  const series = new Series([open(100, 50, 120)])
  const placement = series.place(80, 50, () => 'new')
  assert.equal(placement.how, 'pulled')
  assert.deepEqual(series.intervals, [
    { stackId: 'from 100', openedAt: 80, closesAt: 130, windowMs: 50, lastEventAt: 120 },
  ])
})

test('a late event that would stretch the next stack to a whole window opens its own, which closes there', () => {
  const series = new Series([open(100, 50, 120)])
  const placement = series.place(70, 50, () => 'new')
  assert.equal(placement.how, 'opened')
  assert.deepEqual(placement.interval, {
    stackId: 'new',
    openedAt: 70,
    closesAt: 100,
    windowMs: 50,
    lastEventAt: 70,
  })
})

test('a window is half-open: an event at its very end opens the next stack', () => {
  assert.equal(new Series([open(0, 50)]).place(49, 50, () => 'new').how, 'joined')
  assert.equal(new Series([open(0, 50)]).place(50, 50, () => 'new').how, 'opened')
})

test('the stack keeps the window it opened with; a new length counts from the next stack on', () => {
  const series = new Series([open(0, 50)])
  assert.equal(series.place(40, 10, () => 'new').how, 'joined')
  assert.equal(series.place(50, 10, () => 'short').interval.closesAt, 60)
  assert.equal(series.place(60, null, () => 'endless').interval.closesAt, null)
  assert.equal(series.place(1e9, 10, () => 'new').interval.stackId, 'endless')
})

test('a stack without an end closes where a later one opened before it', () => {
  const series = new Series([open(100, 50, 149)])
  assert.equal(series.place(0, null, () => 'endless').interval.closesAt, 100)
})
