import fc from 'fast-check'
import {expect, it} from 'vitest'
import {squarify} from '../../src/picture/squarify.js'

const box = {x: 10, y: 20, width: 600, height: 400}

it('boxes of the paper: 6, 6, 4, 3, 2, 2, 1 in 6 x 4', () => {
  const boxes = squarify([6, 6, 4, 3, 2, 2, 1], {x: 0, y: 0, width: 6, height: 4})
  const close = boxes.map((each) => Object.values(each).map((value: number) => +value.toFixed(2)))
  expect(close).toEqual([
    [0, 0, 3, 2],
    [0, 2, 3, 2],
    [3, 0, 1.71, 2.33],
    [4.71, 0, 1.29, 2.33],
    [3, 2.33, 1.2, 1.67],
    [4.2, 2.33, 1.2, 1.67],
    [5.4, 2.33, 0.6, 1.67],
  ])
})

it('P areas are in proportion, inside the box, and none covers another', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({min: 1, max: 1_000_000}), {minLength: 1, maxLength: 40}),
      (weights) => {
        const sorted = [...weights].sort((one, other) => other - one)
        const total = sorted.reduce((sum, weight) => sum + weight, 0)
        const boxes = squarify(sorted, box)
        expect(boxes).toHaveLength(sorted.length)
        for (const [at, {x, y, width, height}] of boxes.entries()) {
          expect(width * height).toBeCloseTo(((sorted[at] ?? 0) / total) * 600 * 400, 3)
          expect(x).toBeGreaterThanOrEqual(10 - 1e-6)
          expect(y).toBeGreaterThanOrEqual(20 - 1e-6)
          expect(x + width).toBeLessThanOrEqual(610 + 1e-6)
          expect(y + height).toBeLessThanOrEqual(420 + 1e-6)
          for (const other of boxes.slice(0, at)) {
            const across = Math.min(x + width, other.x + other.width) - Math.max(x, other.x)
            const down = Math.min(y + height, other.y + other.height) - Math.max(y, other.y)
            expect(Math.min(across, down)).toBeLessThan(1e-6)
          }
        }
      },
    ),
  )
})
