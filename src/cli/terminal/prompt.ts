import type {Readable} from 'node:stream'
import {UsageError} from '../../errors.js'

/** A terminal that a person may sit at: `input` can be read key by key then. */
export interface Console {
  readonly input: Readable & {readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown}
  readonly write: (text: string) => void
  /** Does what Ctrl-C does where a terminal makes a signal of it. */
  readonly interrupt: () => void
}

const longestAnswer = 16 * 1024

/**
 * Asks for one line, which is shown only with `echo`. Keys are read one by one, so that the
 * terminal shows nothing of a password. An abort, which Ctrl-C leads to, throws an `AbortError`,
 * and the terminal is what it was afterwards, whatever happens.
 */
export async function prompt(
  {input, write, interrupt}: Console,
  question: string,
  {echo, signal}: {readonly echo: boolean; readonly signal: AbortSignal},
): Promise<string> {
  signal.throwIfAborted()
  // before the question: what is typed from then on is not shown
  input.setRawMode?.(true)
  write(question)
  const stop = new AbortController()
  try {
    return await new Promise((resolve, reject) => {
      const line = createLine(echo ? write : () => undefined)
      const listen = {signal: stop.signal}
      const onData = (chunk: Buffer): void => {
        // its signal arrives in a moment
        if (chunk.includes(0x03)) {
          interrupt()
          return
        }
        try {
          const answer = line.take(chunk)
          if (!answer) return
          // typed ahead, for the next question
          if (answer.rest.length > 0) input.unshift(answer.rest)
          resolve(answer.text)
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      const interrupted = (): void => reject(new DOMException('interrupted', 'AbortError'))
      input.on('data', onData)
      input.once('end', interrupted)
      signal.addEventListener('abort', interrupted, listen)
      stop.signal.addEventListener('abort', () => {
        input.off('data', onData).off('end', interrupted)
      })
      input.resume()
    })
  } finally {
    input.pause()
    stop.abort()
    input.setRawMode?.(false)
    write('\n')
  }
}

/** The line that is being typed; `take` gives it back, and what came after it, once it is ended. */
function createLine(show: (text: string) => void) {
  const decoder = new TextDecoder()
  let text = ''
  return {
    take(chunk: Uint8Array): {text: string; rest: Uint8Array} | undefined {
      const end = chunk.findIndex((byte) => byte === 0x0a || byte === 0x0d || byte === 0x04)
      const own = end < 0 ? chunk : chunk.subarray(0, end)
      for (const key of decoder.decode(own, {stream: true})) {
        text = typed(text, key)
        if (!/\p{Cc}/u.test(key)) show(key)
      }
      return end < 0 ? undefined : {text, rest: chunk.subarray(end + 1)}
    },
  }
}

/**
 * The text after one more key: Backspace takes a character back, Ctrl-U all of them; other control
 * keys say nothing.
 */
function typed(text: string, key: string): string {
  if (key === '\x7F' || key === '\b') return text.replace(/.$/su, '')
  if (key === '\x15') return ''
  if (/\p{Cc}/u.test(key)) return text
  if (text.length < longestAnswer) return text + key
  throw new UsageError('ERR_INJECT_NO_PASSWORD', 'what was typed is too long for a password')
}
