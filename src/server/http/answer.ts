import type {ByteStream} from '../../store/content-store.js'

export type AnswerHeaders = Readonly<Record<string, string | number | readonly string[]>>

/**
 * What a request is answered with. A stream comes with its `content-length`; of the answer to a
 * HEAD only the headers are sent.
 */
export interface Answer {
  readonly status: number
  readonly headers?: AnswerHeaders
  readonly body?: Uint8Array | ByteStream
}

/** A JSON document, whose length is known. */
export function jsonAnswer(
  value: unknown,
  {status = 200, headers = {}}: {readonly status?: number; readonly headers?: AnswerHeaders} = {},
): Answer {
  const body = Buffer.from(JSON.stringify(value))
  return {
    status,
    headers: {'content-type': 'application/json', ...headers, 'content-length': body.length},
    body,
  }
}

/** An answer without a body. */
export function emptyAnswer(status: number, headers: AnswerHeaders = {}): Answer {
  // 204 and 304 never have a body, and the first must not say how long it is
  const length = status === 204 || status === 304 ? {} : {'content-length': 0}
  return {status, headers: {...headers, ...length}}
}
