import {writeFile} from 'node:fs/promises'

/** Puts a lock there that the process named `owner` (see `nameOf`) has left. */
export async function writeLock(path: string, owner: string): Promise<void> {
  const pid = Number(owner.split('-')[0])
  await writeFile(
    path,
    JSON.stringify({owner, host: 'elsewhere', pid, since: '2026-01-02T03:04:05.678Z'}),
  )
}
