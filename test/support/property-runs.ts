import fc from 'fast-check'

/**
 * How many cases a property gets unless it asks for a share of them: few in the loop, more where
 * the environment says so, as `npm test` does.
 */
const cases = Number(process.env['PROPERTY_RUNS'] ?? 25)

/** The same cases each time where the environment has a seed, as `npm test` has; else others. */
const seed = process.env['PROPERTY_SEED']

fc.configureGlobal({numRuns: cases, ...(seed !== undefined && {seed: Number(seed)})})

/** `numRuns` of a property whose cases are costly (a share below 1) or cheap (above). */
export const runs = (share: number): number => Math.max(1, Math.round(cases * share))
