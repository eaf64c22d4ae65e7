// Run as a process of its own: `lock-user.ts hold LOCK [LEASE]` takes the lock, says so and keeps
// it; `lock-user.ts count LOCK FILE TIMES` adds one to the number in FILE that many times, each
// under the lock; `lock-user.ts guard LOCK FILE` takes it again and again until it is killed, says
// `.` each time, and `two` when somebody else is inside with it. `lock-user.ts confirm LOCK LEASE`
// takes it, says so, and confirms it until that fails, and says with which code.
import {readFile, writeFile} from 'node:fs/promises'
import {setTimeout as sleep} from 'node:timers/promises'
import {withLock} from '../../src/disk/lock.js'
import {lockTiming} from '../../src/disk/lock-timing.js'
import {InjectError} from '../../src/errors.js'

const [mode, lock = '', ...words] = process.argv.slice(2)

if (mode === 'hold' || mode === 'confirm') {
  const [lease = '30000'] = words
  const timing = {...lockTiming, leaseMs: Number(lease), beatMs: Number(lease) / 6}
  await withLock(
    lock,
    async ({confirm}) => {
      process.stdout.write('held\n')
      if (mode === 'hold') await sleep(600_000)
      for (;;) {
        await sleep(100)
        await confirm()
      }
    },
    {timing},
  ).catch((error: unknown) => {
    process.stdout.write(`${error instanceof InjectError ? error.code : String(error)}\n`)
  })
}
if (mode === 'count') {
  const [file = '', times = '0'] = words
  for (let round = 0; round < Number(times); round++)
    await withLock(lock, async () => {
      const number = Number(await readFile(file, 'utf8'))
      await writeFile(file, String(number + 1))
    })
}
while (mode === 'guard') {
  const [file = ''] = words
  await withLock(lock, async () => {
    const mine = String(process.pid)
    await writeFile(file, mine)
    await sleep(1)
    const found = await readFile(file, 'utf8')
    process.stdout.write(found === mine ? '.\n' : 'two\n')
  })
}
