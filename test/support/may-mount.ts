import {execaSync} from 'execa'
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

/** Whether this test run may mount things. */
export function mayMount(): boolean {
  if (process.getuid?.() !== 0) return false
  const folder = mkdtempSync(join(tmpdir(), 'inject-test-'))
  try {
    const {failed} = execaSync('mount', ['-t', 'tmpfs', 'none', folder], {reject: false})
    if (!failed) execaSync('umount', [folder])
    return !failed
  } finally {
    rmSync(folder, {recursive: true})
  }
}
