// Run as a process of its own: `lock-user.ts hold LOCK` takes the lock, says so and keeps it; `lock-user.ts count LOCK FILE TIMES` adds
// one to the number in FILE that many times, each under the lock; `lock-user.ts guard LOCK FILE` takes it again and again until it is
// killed, says `.` each time, and `two` when somebody else is inside with it.
import {readFile, writeFile} from 'node:fs/promises'
import {setTimeout as sleep} from 'node:timers/promises'
import {withLock} from '../../src/disk/lock.js'

const [mode, lock = '', file = '', times = '0'] = process.argv.slice(2)

if (mode === 'hold') {
  await withLock(lock, async () => {
    process.stdout.write('held\n')
    await sleep(600_000)
  })
}
if (mode === 'count') {
  for (let round = 0; round < Number(times); round++)
    await withLock(lock, async () => {
      const number = Number(await readFile(file, 'utf8'))
      await writeFile(file, String(number + 1))
    })
}
while (mode === 'guard') {
  await withLock(lock, async () => {
    const mine = String(process.pid)
    await writeFile(file, mine)
    await sleep(1)
    const found = await readFile(file, 'utf8')
    process.stdout.write(found === mine ? '.\n' : 'two\n')
  })
}
