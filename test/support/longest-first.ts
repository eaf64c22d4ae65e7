import {BaseSequencer, type TestSpecification} from 'vitest/node'

/**
 * What takes longest of each project, the longest first: all that took some 20 seconds of a run of
 * four files at once. A small file may take long, and comes last where it is not here.
 */
const longest = [
  'test/e2e/documentation.test.ts',
  'test/e2e/doctor.test.ts',
  'test/e2e/network-faults.test.ts',
  'test/e2e/resume.test.ts',
  'test/e2e/main-job.test.ts',
  'test/e2e/follow-vendor.test.ts',
  'test/e2e/serve-memory.test.ts',
  'test/e2e/command-line.test.ts',
  'test/e2e/indexes.test.ts',
  'test/e2e/bounded-work.test.ts',
  'test/e2e/executable.test.ts',
  'test/e2e/target.test.ts',
  'test/e2e/canary.test.ts',
  'test/e2e/code-cache.test.ts',
  'test/e2e/attest.test.ts',
  'test/e2e/formats.test.ts',
  'test/e2e/sources.test.ts',
  'test/e2e/page.test.ts',
  'test/e2e/network.test.ts',
  'test/e2e/save.test.ts',
  'test/e2e/mistakes.test.ts',
  'test/e2e/gc-while-pushing.test.ts',
  'test/e2e/export-errors.test.ts',
  'test/e2e/save-crash.test.ts',
  'test/e2e/certs.test.ts',
  'test/e2e/trusted-folders.test.ts',
  'test/e2e/progress.test.ts',
  'test/e2e/copy.test.ts',
  'test/e2e/zstd-chunked.test.ts',
  'test/e2e/platform-folder.test.ts',
  'test/e2e/pack-flags.test.ts',
  'test/e2e/authentication.test.ts',
  'test/e2e/interruption.test.ts',
  'test/e2e/start.test.ts',
  'test/e2e/pictures.test.ts',
  'test/e2e/unpack-change.test.ts',
  'test/e2e/config-edits.test.ts',
  'test/e2e/serve.test.ts',
  'test/registry/fault-matrix-reading.system.test.ts',
  'test/registry/fault-matrix-writing.system.test.ts',
  'test/operations/fleet/apply.system.test.ts',
  'test/image/largest-documents.system.test.ts',
  'test/registry/faults.system.test.ts',
  'test/site/crash.system.test.ts',
  'test/operations/corpus.system.test.ts',
  'test/store/store-crash.system.test.ts',
  'test/operations/fleet/attest.system.test.ts',
  'test/layer/decompress/verified-tar.system.test.ts',
  'test/layer/unpack/fill-directory.system.test.ts',
  'test/layer/compress/zstd.system.test.ts',
  'test/disk/lock-lease.system.test.ts',
  'test/site/servers.system.test.ts',
  'test/site/site.system.test.ts',
  'test/store/layout/layout-store.system.test.ts',
  'test/registry/quirks.system.test.ts',
  'test/store/layout-processes.system.test.ts',
  'test/layer/unpack/entries/extract.system.test.ts',
  'test/bin/site.system.test.ts',
  'test/registry/fault-matrix-overlapped.system.test.ts',
  'test/layer/compress/own-deflater.system.test.ts',
  'test/operations/remembered.system.test.ts',
  'test/store/garbage/collect.system.test.ts',
]

/**
 * Begins with the longest files, so that none of them is left to run alone at the end. Vitest
 * itself begins with what took longest the last time, which a clean machine does not know. One
 * project comes after the other: where the next file is of another one, Vitest ends the process
 * that has imported all there is, and starts one that has not.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({moduleId}: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(name))
      return at === -1 ? longest.length : at
    }
    return (await super.sort(files)).sort(
      (a, b) => a.project.name.localeCompare(b.project.name) || rank(a) - rank(b),
    )
  }
}
