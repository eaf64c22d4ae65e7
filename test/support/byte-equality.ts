import {expect} from 'vitest'

/** Bytes are compared as bytes: one by one, as objects are, a megabyte takes seconds. */
expect.addEqualityTesters([
  (one: unknown, other: unknown): boolean | undefined =>
    one instanceof Uint8Array &&
    other instanceof Uint8Array &&
    one.constructor === other.constructor
      ? Buffer.compare(one, other) === 0
      : undefined,
])
