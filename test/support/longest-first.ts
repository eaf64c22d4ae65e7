import {BaseSequencer, type TestSpecification} from 'vitest/node'

/** What takes longest, the longest first. */
const longest = [
  'test/registry/fault-matrix-writing.system.test.ts',
  'test/registry/fault-matrix-reading.system.test.ts',
  'test/e2e/network-faults.test.ts',
  'test/e2e/bounded-work.test.ts',
  'test/e2e/serve-memory.test.ts',
  'test/e2e/doctor.test.ts',
  'test/site/servers.system.test.ts',
  'test/operations/fleet/apply.system.test.ts',
  'test/e2e/gc-while-pushing.test.ts',
  'test/e2e/follow-vendor.test.ts',
  'test/image/largest-documents.system.test.ts',
  'test/e2e/indexes.test.ts',
  'test/e2e/command-line.test.ts',
  'test/e2e/canary.test.ts',
  'test/e2e/main-job.test.ts',
  'test/registry/quirks.system.test.ts',
  'test/registry/fault-matrix-overlapped.system.test.ts',
  'test/e2e/resume.test.ts',
  'test/site/site.system.test.ts',
  'test/operations/remembered.system.test.ts',
  'test/store/store-crash.system.test.ts',
  'test/site/crash.system.test.ts',
  'test/layer/pack/threads/pack-threads.system.test.ts',
  'test/e2e/save.test.ts',
  'test/e2e/formats.test.ts',
  'test/e2e/bad-images.test.ts',
  'test/e2e/trusted-folders.test.ts',
  'test/e2e/export-errors.test.ts',
  'test/e2e/code-cache.test.ts',
  'test/e2e/save-crash.test.ts',
  'test/e2e/network.test.ts',
  'test/operations/corpus.system.test.ts',
  'test/operations/unpack-change.system.test.ts',
  'test/store/layout-processes.system.test.ts',
  'test/layer/compress/zstd.system.test.ts',
]

/**
 * Begins with the longest files, so that none of them is left to run alone at the end. Vitest
 * itself begins with what took longest the last time, which a clean machine does not know.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({moduleId}: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(name))
      return at === -1 ? longest.length : at
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
