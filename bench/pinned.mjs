// Every program that we measure against or are tested by, in the exact version whose figures are in
// bench/results. A newer one is a decision: change the version and the day, measure again.
import {execFileSync} from 'node:child_process'

/** The day on which these versions were chosen. */
export const chosen = '2026-11-29'

/** Debian's packages, by the program that each brings; the versions are of Debian 12. */
export const debianPackages = {
  'docker-registry': {name: 'docker-registry', version: '2.8.2+ds1-1'},
  skopeo: {name: 'skopeo', version: '1.9.3+ds1-1+b10'},
  umoci: {name: 'umoci', version: '0.4.7+ds-3+b7'},
  buildah: {name: 'buildah', version: '1.28.2+ds1-3+deb12u1+b3'},
  pigz: {name: 'pigz', version: '2.6-1'},
  hyperfine: {name: 'hyperfine', version: '1.15.0-2'},
  '/usr/bin/time': {name: 'time', version: '1.9-0.2'},
}

/**
 * Debian's packages whose files are the tree R1, in their order of unpacking; the versions are of
 * Debian 12.
 */
export const treePackages = {
  'golang-1.19-src': '1.19.8-2',
  'libboost1.74-dev': '1.74.0+ds1-21',
  'libpython3.11-stdlib': '3.11.2-6+deb12u9',
  'libpython3.11-testsuite': '3.11.2-6+deb12u9',
  'python3.11-doc': '3.11.2-6+deb12u9',
  'python3-django': '3:3.2.25-0+deb12u7',
  'python3-sympy': '1.11.1-1',
  'linux-libc-dev': '6.1.192-3',
}

/** Go programs. */
export const goPrograms = {
  crane: {module: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.20.6'},
  regctl: {module: 'github.com/regclient/regclient/cmd/regctl', version: 'v0.9.2'},
}

/** What signatures are exchanged with; its set-up takes a quarter of an hour. */
export const cosign = {module: 'github.com/sigstore/cosign/v3/cmd/cosign', version: 'v3.1.2'}

/** The conformance suite of the OCI distribution specification, which has no releases. */
export const conformanceSuite = {
  module: 'github.com/opencontainers/distribution-spec/conformance',
  version: 'v0.0.0-20260831232431-97274622c111',
}

/** The types of the image specification in Go, which documents are read with for comparison. */
export const imageSpec = {
  module: 'github.com/opencontainers/image-spec/specs-go/v1',
  version: 'v1.1.1',
}

/** dxf, from PyPI. */
export const dxf = {name: 'python-dxf', version: '12.1.1'}

/** Node by major version, from the npm packages that carry its binaries. */
export const nodeVersions = {22: '22.23.5', 24: '24.22.3', 26: '26.12.1'}

/**
 * Runs one command of a set-up. A failure ends the run with one line that says what could not be
 * set up.
 */
export function setUp(what, [command, ...args], options = {}) {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 26,
      ...options,
    })
  } catch (error) {
    const lines = `${error.stderr ?? ''}`.trim().split('\n')
    const last = lines.findLast((line) => line.trim() !== '') ?? ''
    console.error(
      `set-up failed: cannot install ${what} with ${command}: ${last.trim() || error.message.split('\n')[0]}`,
    )
    process.exit(1)
  }
}
