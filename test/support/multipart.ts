import type {Response} from './served-registry.js'

export interface Part {
  readonly first: number
  readonly last: number
  readonly body: Buffer
}

/** The ranges in a 206 of one range or several, in their order; throws for any other answer. */
export function partsOf({status, headers, body}: Response): Part[] {
  const single = headers['content-range']
  if (status === 206 && single) return [{...rangeIn(single), body}]
  const boundary = /^multipart\/byteranges; ?boundary=([A-Za-z0-9:-]{1,70})$/.exec(
    headers['content-type'] ?? '',
  )?.[1]
  if (status !== 206 || boundary === undefined)
    throw new Error(`${status} ${headers['content-type'] ?? ''} holds no ranges`)
  const [preamble, ...sections] = body.toString('latin1').split(`\r\n--${boundary}`)
  if (preamble !== '' || sections.pop() !== '--\r\n') throw new Error('malformed multipart')
  return sections.map((section) => {
    const at = section.indexOf('\r\n\r\n')
    const range = /^content-range: (.*)$/im.exec(section.slice(0, at))?.[1] ?? ''
    return {...rangeIn(range), body: Buffer.from(section.slice(at + 4), 'latin1')}
  })
}

function rangeIn(text: string): {first: number; last: number} {
  const [, first, last] = /^bytes (\d+)-(\d+)\/\d+$/.exec(text.trim()) ?? []
  return {first: Number(first), last: Number(last)}
}
