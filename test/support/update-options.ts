/** What a command that changes an image is asked for when nothing else is said. */
export const injectionOptions = {
  name: 'cvmfs',
  tags: [],
  onConflict: 'fail',
  noClobber: false,
  dryRun: false,
} as const

/** The same of an update. */
export const updateOptions = {...injectionOptions, exclude: []} as const
