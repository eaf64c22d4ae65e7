import fc from 'fast-check'

/**
 * How many cases a property gets unless it asks for a share of them: few in the loop, more where
 * the environment says so, as `npm test` does.
 */
const cases = Number(process.env['PROPERTY_RUNS'] ?? 25)

fc.configureGlobal({numRuns: cases})

/** `numRuns` of a property whose cases are costly (a share below 1) or cheap (above). */
export const runs = (share: number): number => Math.max(1, Math.round(cases * share))
