/** A test by the text of its title as its file has it (`%s` and `${}` as they are written). */
export interface NamedTest {
  readonly file: string
  readonly title: string
}

/** Something that went wrong once: found by attacking the program or by reading it. */
export interface Attack {
  readonly id: string
  /** What was tried, and what happens now: one sentence. */
  readonly what: string
  /** Each fails on the code of before. */
  readonly tests: readonly NamedTest[]
}

/** A: attacks, worst first; B: bugs. */
export const attacks: readonly Attack[] = [
  {
    id: 'B6',
    what: 'The table of error codes had no header and was shown as one paragraph; every table of the documentation is looked at now.',
    tests: [
      {
        file: 'test/docs.test.ts',
        title: 'gives every table a header and rows of as many cells',
      },
    ],
  },
  {
    id: 'B12',
    what: "The library's unpack of an index did not choose this machine's platform; what each function and each command asks for by default is compared now.",
    tests: [
      {
        file: 'test/library/defaults.test.ts',
        title: 'of setup, update, unpack, remove, inspect and copy',
      },
      {
        file: 'test/library/defaults.test.ts',
        title: "unpacks the image of this machine's platform from an index",
      },
    ],
  },
  {
    id: 'B13',
    what: 'A progress line wider than the terminal scrolled, and the summary drew the last step again; the line is cut to the width that the terminal has, and the step is forgotten before the summary.',
    tests: [
      {
        file: 'test/cli/progress.test.ts',
        title:
          'cuts its line to the terminal as wide as it is then, and leaves no step for the summary',
      },
      {
        file: 'test/e2e/terminal.test.ts',
        title: 'on a terminal of %i columns, only what counts stays',
      },
    ],
  },
  {
    id: 'B17',
    what: 'The conformance suite was installed from a branch that could not be resolved any more; every peer and suite has an exact version in one file, and a set-up that fails ends with one line.',
    tests: [
      {
        file: 'test/bench.test.ts',
        title: 'names versions of other programs in one file, and exactly',
      },
      {
        file: 'test/bench.test.ts',
        title: 'ends a set-up that fails with one line that says what could not be set up',
      },
    ],
  },
  {
    id: 'B18',
    what: 'Tests that run the program as another user failed in a clone below /root, and squid found the shared memory of an earlier one; they use a bound copy that others may enter, and a service name of their own (`node bench/fresh-root.mjs` tries a fresh Debian).',
    tests: [
      {
        file: 'test/e2e/command-line.test.ts',
        title: 'works for a user whom the system does not know, without HOME and SHELL',
      },
    ],
  },
]
