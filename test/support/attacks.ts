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
    id: 'A1',
    what: 'Another user swapped the directory, a folder in it or the folder around it for a symbolic link while root unpacked, refilled or removed; everything goes through folders that are open already now, and a layer cannot hand the directory itself to another user.',
    tests: [
      {
        file: 'test/layer/unpack/raced-unpack.system.test.ts',
        title: 'a directory that is refilled, because it is the current one',
      },
      {file: 'test/layer/unpack/raced-unpack.system.test.ts', title: 'a tree that is removed'},
    ],
  },
  {
    id: 'A2',
    what: "An anonymous reader took all of the server's descriptors, and a sound blob was moved to quarantine as damaged; only bytes that were read to their end and hash wrongly are damage, any other error is 503, and no more connections are let in than files can be opened for.",
    tests: [
      {
        file: 'test/e2e/serve-trouble.test.ts',
        title:
          'A2 a reader who takes all descriptors: connections are refused, no sound blob moves, and all works afterwards',
      },
      {
        file: 'test/store/error-answers.test.ts',
        title: 'A2 a file that cannot be read is neither sound nor damaged: the error is thrown',
      },
    ],
  },
  {
    id: 'A3',
    what: 'A config of 4 MiB that names 27,000 diff IDs as a slot kept the page busy for 92 s and `update` for hours; every edit of a document is one pass, slots are found in one walk, and larger documents are refused.',
    tests: [
      {file: 'test/image/largest-documents.system.test.ts', title: 'of %s'},
      {file: 'test/image/largest-documents.system.test.ts', title: 'edits of many members'},
    ],
  },
  {
    id: 'A4',
    what: 'A document with `layers` and `Layers` was shown as one thing and run as another by programs in Go; a member that Go takes for a known one, a number that is not an integer to it, or half of a surrogate pair is refused.',
    tests: [
      {
        file: 'test/oci/one-reading.system.test.ts',
        title: 'members that Go reads as another one (A4)',
      },
      {
        file: 'test/oci/one-reading.system.test.ts',
        title: 'numbers that Go does not take for integers (A4)',
      },
    ],
  },
  {
    id: 'A5',
    what: 'A lock whose holder was killed in another container, boot or machine blocked the next run for up to a day; a lock shows a sign of life every 5 s and is free after 30 s without one, and one that lives is never displaced, whatever the clocks do.',
    tests: [
      {
        file: 'test/disk/lock-lease.system.test.ts',
        title: '%s is taken within 45 s, and not before a lease is over (A5)',
      },
      {file: 'test/disk/lock-lease.system.test.ts', title: 'and that lives, %s, keeps it (A5)'},
      {
        file: 'test/disk/lock-lease.system.test.ts',
        title: 'a holder that gets SIGSTOP loses the lock, and finds out when it goes on (A5)',
      },
    ],
  },
  {
    id: 'A6',
    what: 'Clients that asked for large answers one after the other on one connection and read nothing made the server hold 5.3 GiB; an answer waits for the one before, all bodies share 64 MiB, and stalled clients are cut when others need the memory.',
    tests: [
      {
        file: 'test/e2e/serve-memory.test.ts',
        title: '%s: memory is bounded, and others are served',
      },
    ],
  },
  {
    id: 'A7',
    what: 'A web page under a name that leads to this machine, or on another site, could push to and delete from a registry without passwords; foreign Hosts and foreign writes are refused.',
    tests: [
      {
        file: 'test/server/host-and-origin.test.ts',
        title: 'every method is refused, with an error body that says what to do, and counted',
      },
      {file: 'test/server/host-and-origin.test.ts', title: '%j writes nothing, but may read'},
    ],
  },
  {
    id: 'A8',
    what: 'A cache folder below one that another user owns was believed, and their code ran; every folder on the way must belong to root or this user and be closed to others.',
    tests: [
      {
        file: 'test/e2e/trusted-folders.test.ts',
        title: 'uses no cache of theirs, and leaves nothing in it (A8)',
      },
    ],
  },
  {
    id: 'A9',
    what: 'A layer of 4,000 FIFOs took a process for each, and empty zstd frames with large windows took minutes; FIFOs are made in batches, windows and special files have limits, and unpacking gives signals their turn.',
    tests: [
      {
        file: 'test/layer/unpack/special-files.system.test.ts',
        title: 'a thousand FIFOs take some ten processes, and nothing else is left',
      },
      {
        file: 'test/layer/unpack/special-files.system.test.ts',
        title: 'more of them than are allowed are refused',
      },
    ],
  },
  {
    id: 'A10',
    what: '`unpack` followed a symbolic link that another image had planted; a link as the last name is refused without --follow, and root refuses one on the way that another user can change.',
    tests: [
      {
        file: 'test/layer/unpack/fill-directory.system.test.ts',
        title: 'A10 D3 refuses a symlink, or with follow fills what it points to',
      },
      {
        file: 'test/layer/unpack/fill-directory.system.test.ts',
        title:
          'A10 as root refuses a link on the way that another user can change, takes one of its own',
      },
    ],
  },
  {
    id: 'A11',
    what: 'Names hidden in the padding of extended tar headers were read differently by other programs; such headers are refused, and mutants are compared with GNU tar, bsdtar and Python.',
    tests: [
      {
        file: 'test/layer/tar/differential.system.test.ts',
        title: '${count} mutants: what we take the others see as we do, or refuse',
      },
    ],
  },
  {
    id: 'A12',
    what: 'Lists of tags and referrers were bounded by page and not in all; they are bounded by their names and bytes over all pages.',
    tests: [
      {
        file: 'test/registry/api/endless-tags.system.test.ts',
        title: 'bounds a list by all that its pages say, not only by their number',
      },
    ],
  },
  {
    id: 'A13',
    what: 'A signal between the PUT of a manifest and its answer ended with "no tag has moved" although it had; the tag is looked at for a second at most, and the message says what is known.',
    tests: [
      {file: 'test/registry/api/tag-position.test.ts', title: 'says which tags moved before'},
      {
        file: 'test/registry/api/tag-position.test.ts',
        title: 'says it of a connection that is lost for good',
      },
    ],
  },
  {
    id: 'A14',
    what: 'A root that vanished while it was served looked like an empty registry and was made from scratch; it is 503 on every request until it is back.',
    tests: [
      {
        file: 'test/e2e/serve-trouble.test.ts',
        title:
          'A14 a root that vanishes, or is replaced, is 503 everywhere until it is back, and never recreated',
      },
    ],
  },
  {
    id: 'A15',
    what: 'A redirect or an upload location could name a host that leads to this machine; every name that a registry gives is looked up with one guard.',
    tests: [
      {
        file: 'test/registry/named-addresses.test.ts',
        title: "A15 a registry's own name may lead anywhere: the user named it",
      },
      {
        file: 'test/registry/named-addresses.test.ts',
        title: 'is followed where the registry is on this machine itself',
      },
    ],
  },
  {
    id: 'A16',
    what: '140 wrong passwords a second kept everybody else out; the limit is by client and name, with a reserve for those who were right lately.',
    tests: [
      {
        file: 'test/server/http/access.system.test.ts',
        title: 'a first login gets through beside guesses %s',
      },
    ],
  },
  {
    id: 'A17',
    what: 'A GET of a manifest by digest read every index of the repository; which manifests each lists is remembered.',
    tests: [
      {
        file: 'test/store/counted-work.test.ts',
        title:
          'A17 a manifest that only an index names is found without reading every index each time',
      },
    ],
  },
  {
    id: 'A18',
    what: 'An entry named like our temporary folders blocked the directory for good; only the full form of such names is reserved, and layers that hold one are refused.',
    tests: [
      {
        file: 'test/layer/unpack/entries/check-entries.test.ts',
        title:
          'A18 refuses names of our own temporary folders in their full form, and takes what looks alike',
      },
      {
        file: 'test/layer/unpack/fill-directory.system.test.ts',
        title: 'A18 is not blocked by names that only look like those of its own',
      },
    ],
  },
  {
    id: 'A19',
    what: 'Control characters and bidirectional marks left raw with --debug and --json; whatever leaves goes through one escaping.',
    tests: [{file: 'test/cli/render/text/escape.test.ts', title: 'A19 whatever leaves is escaped'}],
  },
  {
    id: 'B1',
    what: '`update --on-conflict retry` overwrote an index by a single image when the tag became an index meanwhile; what is found is judged again in each round.',
    tests: [
      {
        file: 'test/operations/changed-kind.test.ts',
        title: 'an index that becomes an image for another platform is a conflict',
      },
    ],
  },
  {
    id: 'B2',
    what: 'A thread that had died was never replaced, and its next job never settled; it fails only the jobs that it was given, and the next job starts another.',
    tests: [
      {
        file: 'test/stream/worker-pool.test.ts',
        title: 'fails the jobs of a thread that dies, and those of no other',
      },
    ],
  },
  {
    id: 'B4',
    what: "`--username alice` sent the password in the environment that belongs to INJECT_USERNAME; the environment's password belongs to the environment's user.",
    tests: [
      {
        file: 'test/cli/ports/explicit-credentials.test.ts',
        title: "B4 never sends one user's password as another user: %o",
      },
    ],
  },
  {
    id: 'B5',
    what: 'A 404 or an odd answer on a later page passed as the end of a list; it is an error.',
    tests: [
      {
        file: 'test/registry/list-pages.test.ts',
        title: 'copies nothing when a page of the list is lost',
      },
      {
        file: 'test/registry/list-pages.test.ts',
        title: 'is an error when its links go round in a circle',
      },
    ],
  },
  {
    id: 'B6',
    what: 'The table of error codes had no header and was shown as one paragraph; every table of the documentation is looked at now.',
    tests: [
      {
        file: 'test/docs.system.test.ts',
        title: 'gives every table a header and rows of as many cells',
      },
    ],
  },
  {
    id: 'B7',
    what: '`tar` was a dependency that nothing used; it reads every header of an archive of images a second time, and a difference is refused.',
    tests: [
      {
        file: 'test/archive/index-tar.test.ts',
        title: 'B7 a checksum of signed bytes, which node-tar does not take',
      },
    ],
  },
  {
    id: 'B8',
    what: 'An output below the directory was packed into its own layer; one check covers every kind of target, also before it is there.',
    tests: [
      {
        file: 'test/operations/source/outputs.test.ts',
        title: 'B8 refuses %s inside the directory, before anything is made',
      },
    ],
  },
  {
    id: 'B9',
    what: 'A blob was hashed three times on its way from a registry to a layout; it is hashed once.',
    tests: [
      {
        file: 'test/store/counted-work.test.ts',
        title: 'B9 a blob that is copied from a registry to a layout is hashed once',
      },
    ],
  },
  {
    id: 'B10',
    what: 'An upload in one request took the slow hash that can be resumed; it takes the fast one.',
    tests: [
      {
        file: 'test/store/counted-work.test.ts',
        title: 'B10 an upload in one request takes the fast hash, in whichever way it comes',
      },
    ],
  },
  {
    id: 'B11',
    what: 'The last error of an upload lost its cause and hint; it keeps them.',
    tests: [
      {
        file: 'test/registry/upload-last-error.test.ts',
        title:
          'B11 the last error of an upload that no way worked for keeps its cause and its hint',
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
        file: 'test/cli/terminal/progress.test.ts',
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
    id: 'B14',
    what: 'A second, laxer tar reader indexed archives; the strict one does.',
    tests: [{file: 'test/archive/index-tar.test.ts', title: 'B14 two long names'}],
  },
  {
    id: 'B15',
    what: 'Without /proc a start crashed with a stack trace; everything works there, and the code cache is left out.',
    tests: [{file: 'test/e2e/without-proc.test.ts', title: 'without /proc, as on macOS'}],
  },
  {
    id: 'B16',
    what: 'An abandoned upload of any size stayed until it expired; what unfinished uploads take is bounded in all, and those idle longest go first.',
    tests: [
      {
        file: 'test/store/served/uploads/sessions.system.test.ts',
        title: 'B16 is bounded in all: those that were idle longest go, also of an earlier process',
      },
    ],
  },
  {
    id: 'B17',
    what: 'The conformance suite was installed from a branch that could not be resolved any more; every peer and suite has an exact version in one file, and a set-up that fails ends with one line.',
    tests: [
      {
        file: 'test/bench.system.test.ts',
        title: 'names versions of other programs in one file, and exactly',
      },
      {
        file: 'test/bench.system.test.ts',
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

/** What somebody hostile can hand to the program, and what a kill can leave; in the same form. */
export const hostileInputs: readonly Attack[] = [
  {
    id: 'T-29',
    what: 'A table of contents or a tar-split of a zstd:chunked layer lies: content that overlaps or is elsewhere, wrong digests or sizes, names that occur twice, too many entries. It is not used, and the layer is read as a whole; what is unpacked always has the diff ID.',
    tests: [
      {file: 'test/layer/chunked/table.test.ts', title: 'T-29 is not used with %s'},
      {file: 'test/layer/rebuild/rebuilt-tar.test.ts', title: 'T-29 is never put together with %s'},
    ],
  },
  {
    id: 'bundles',
    what: 'A bundle whose list of images was changed, or in which a blob is damaged, is refused, and no tag moves; a chain of bundles that lacks a link is refused, and the link is named.',
    tests: [
      {
        file: 'test/operations/bundle/bundle.system.test.ts',
        title: 'refuses a bundle whose list of images was changed',
      },
      {
        file: 'test/operations/bundle/bundle.system.test.ts',
        title: 'moves no tag when a blob of the bundle is damaged',
      },
    ],
  },
  {
    id: 'changes in place',
    what: 'A run of `unpack --force` is killed while it changes DIR in its place: DIR is the old version, the new one, or missing until the next `unpack` has completed it, and `update` refuses until then.',
    tests: [
      {
        file: 'test/layer/unpack/make-change.system.test.ts',
        title: 'is completed by the next run, wherever the one that made it was killed',
      },
    ],
  },
  {
    id: 'project files',
    what: 'A project file of a stranger sets flags that run programs, read credentials or weaken TLS: refused by name.',
    tests: [
      {file: 'test/cli/project/decode.test.ts', title: 'refuses what a stranger must not decide'},
    ],
  },
]
