import {execa} from 'execa'

/**
 * Arguments for strace that make it follow all threads and be quiet, and these flags. It stops the
 * threads only at the calls that it traces, which takes a fraction of the time; strace 6.1 sends no
 * signals so.
 */
export function tracing(flags: readonly string[]): string[] {
  const isFast = !flags.some((flag) => flag.includes(':signal='))
  return ['-f', '-qq', ...(isFast ? ['--seccomp-bpf'] : []), ...flags]
}

/**
 * Runs a program of `bundleProgram` under strace, in one thread, so that system calls can be
 * counted.
 */
export async function straced(program: string, argument: string, strace: readonly string[]) {
  const node = [process.execPath, program, argument]
  const env = {UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '1'}
  return execa('strace', [...tracing(strace), ...node], {env, reject: false, timeout: 60_000})
}

/**
 * The calls of the thread that touches files, in order, each with its number among those of its
 * name: strace counts by name.
 */
export function callsIn(log: string): {call: string; nth: number; line: string}[] {
  const threads = new Map<string, {call: string; line: string}[]>()
  for (const line of log.split('\n')) {
    const [, thread = '', call = ''] = /^(\d+) +(\w+)\(/.exec(line) ?? []
    if (call !== '') threads.set(thread, [...(threads.get(thread) ?? []), {call, line}])
  }
  const [busiest = []] = [...threads.values()].sort((a, b) => b.length - a.length)
  return busiest.map(({call, line}, at) => {
    return {call, line, nth: busiest.slice(0, at + 1).filter((each) => each.call === call).length}
  })
}
