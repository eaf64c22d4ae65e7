import {changeLast, changeOne, changeOneOfR2} from './real-trees.mjs'
import {changeClustered, changeScattered} from './workload.mjs'

const update = ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG']
const firstUpdate = ['update', '$IMAGE:base', '$DIR', '--tag', 'first']
const againUpdate = ['update', '$IMAGE:first', '$DIR', '--tag', '$TAG']

/** What a job in CI does: get the directory, change a file of it, put it back. */
const loop = [
  '"$INJECT" unpack "$IMAGE:first" "$OUT" --force -q',
  'printf "# %s" "$TAG" | dd of="$OUT/usr/lib/python3.11/asyncio/base_events.py" conv=notrunc status=none',
  '"$INJECT" update "$IMAGE:first" "$OUT" --tag "$TAG" --layers auto --json -q',
].join(' && ')

/**
 * Each runs in turn with the others of its row, in one go; a row's name begins with its tree.
 * `ours` are arguments of inject, `script` is a shell's in place of them. `first` runs once, and
 * `change` before each round; neither is timed. `against` is the wall time over that of a peer,
 * `cpu` the same of CPU seconds of all processes: at most, or `undefined` for no limit. `peak` is
 * MiB at most, where 150 are not it.
 */
export const rows = {
  R1: {
    ours: update,
    against: {crane: 0.5},
    cpu: {crane: 0.75},
  },
  'R1 zstd': {
    ours: [...update, '--compression', 'zstd'],
    against: {crane: 0.55},
    cpu: {crane: 0.9},
  },
  'R1 unchanged, nothing remembered': {
    first: firstUpdate,
    ours: ['update', '$IMAGE:first', '$DIR', '--verify'],
    against: {crane: 0.25},
    counted: {uploads: 0, requests: 3},
  },
  'R1 unchanged, remembered': {
    first: firstUpdate,
    ours: ['update', '$IMAGE:first', '$DIR'],
    // and 0.1 s of start
    against: {crane: 0.08},
    counted: {uploads: 0, requests: 3},
  },
  'R1 one file changed, --layers auto, nothing remembered': {
    first: [...firstUpdate, '--layers', 'auto'],
    change: changeOne,
    ours: [...againUpdate, '--layers', 'auto', '--verify'],
    against: {crane: 0.3},
  },
  'R1 one file changed, --layers auto, remembered': {
    first: [...firstUpdate, '--layers', 'auto'],
    change: changeOne,
    ours: [...againUpdate, '--layers', 'auto'],
    against: {crane: 0.12},
  },
  'R1 one file added last': {
    first: firstUpdate,
    change: changeLast,
    ours: [...againUpdate, '--verify'],
    against: {crane: 0.6},
    cpu: {crane: 0.85},
  },
  'R1 one file changed, --cache': {
    first: [...firstUpdate, '--cache'],
    change: changeOne,
    ours: [...againUpdate, '--cache'],
    against: {crane: 0.5},
  },
  'R1 unpack': {
    first: firstUpdate,
    ours: ['unpack', '$IMAGE:first', '$OUT', '--force', '--verify'],
    against: {'crane blob | tar -xz': 0.65},
    cpu: {'crane blob | tar -xz': 0.95},
  },
  'R1 loop, --layers auto': {
    first: [...firstUpdate, '--layers', 'auto'],
    script: loop,
    against: {'crane loop': 0.35},
  },
  R2: {
    ours: update,
    against: {crane: 0.55},
    cpu: {crane: 0.8},
  },
  'R2 --layers auto': {
    ours: [...update, '--layers', 'auto'],
    against: {crane: 0.7},
    cpu: {crane: 1.0},
  },
  'R2 unchanged, --layers auto, remembered': {
    first: [...firstUpdate, '--layers', 'auto'],
    ours: ['update', '$IMAGE:first', '$DIR', '--layers', 'auto'],
    against: {crane: undefined},
  },
  'R2 one file changed, --layers auto, nothing remembered': {
    first: [...firstUpdate, '--layers', 'auto'],
    change: changeOneOfR2,
    ours: [...againUpdate, '--layers', 'auto', '--verify'],
    against: {crane: 0.25},
  },
  'R2 one file changed, --layers auto, remembered': {
    first: [...firstUpdate, '--layers', 'auto'],
    change: changeOneOfR2,
    ours: [...againUpdate, '--layers', 'auto'],
    against: {crane: 0.06},
  },
  R3: {
    ours: update,
    against: {crane: 0.6, 'umoci + skopeo': 1.0},
    cpu: {crane: 0.9},
  },
  'M2 --layers auto': {ours: [...update, '--layers', 'auto'], against: {}, peak: 400, rounds: 1},
  R10: {ours: update, against: {}, overRow: {R1: 10.3}},
  W1: {
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {
      crane: 0.75,
      'old injector': 0.25,
      'tar | pigz -p 2 -6 | sha256sum': 0.6,
      'umoci + skopeo': undefined,
      regctl: undefined,
    },
  },
  W2: {
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: 0.7, 'umoci + skopeo': 1.0, buildah: undefined},
  },
  'W1 zstd': {
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG', '--compression', 'zstd'],
    against: {crane: 0.55},
  },
  'W1 unchanged, nothing remembered': {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first'],
    ours: ['update', '$IMAGE:first', '$DIR', '--verify'],
    against: {crane: 0.3},
    counted: {uploads: 0, requests: 3},
  },
  'W1 unchanged, remembered': {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first'],
    ours: ['update', '$IMAGE:first', '$DIR'],
    against: {crane: 0.12},
    counted: {uploads: 0, requests: 3},
  },
  W4: {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first', '--cache'],
    change: changeScattered,
    ours: ['update', '$IMAGE:first', '$DIR', '--tag', '$TAG', '--cache'],
    against: {crane: 0.5},
  },
  W5: {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first', '--layers', 'auto'],
    change: changeClustered,
    ours: ['update', '$IMAGE:first', '$DIR', '--tag', '$TAG', '--layers', 'auto', '--verify'],
    against: {crane: 0.35},
    sentOverFirst: 0.08,
  },
  W3: {
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: 4.3},
    counted: {requests: 8},
  },
  'W3, 20 ms': {
    delay: 20,
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: 0.92},
  },
  'W3, 100 ms': {
    delay: 100,
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: 0.8},
  },
  'W1, 20 ms': {
    delay: 20,
    ours: ['update', '$IMAGE:base', '$DIR', '--tag', '$TAG'],
    against: {crane: undefined},
  },
  'W1 unpack': {
    first: ['update', '$IMAGE:base', '$DIR', '--tag', 'first'],
    ours: ['unpack', '$IMAGE:first', '$OUT', '--force', '--verify'],
    against: {'crane blob | tar -xz': 0.65},
  },
  version: {ours: ['--version'], against: {'node -e 0': 2.0}, rounds: 21},
}
