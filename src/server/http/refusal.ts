import {InjectError} from '../../errors.js'
import type {registryErrorCodes} from '../../oci/registry-error.js'
import type {AnswerHeaders} from './answer.js'

/** The specification's codes; `UNKNOWN` goes with 5xx only, where it asks for none of them. */
export type RefusalCode = (typeof registryErrorCodes)[number] | 'UNKNOWN'

/** Why we defend ourselves against a request, for the metrics. */
export type DefenseReason = 'host' | 'origin' | 'memory' | 'guesses'

export interface RefusalDetails {
  readonly reason?: DefenseReason
  /** For the client, as JSON. */
  readonly detail?: unknown
  readonly headers?: AnswerHeaders
  readonly cause?: unknown
}

/**
 * A request that is answered with an error: the status, the specification's code, and a message
 * that the client may see.
 */
export class Refusal extends InjectError {
  override readonly name = 'Refusal'
  readonly status: number
  readonly registryCode: RefusalCode
  readonly detail: unknown
  readonly headers: AnswerHeaders
  readonly reason: DefenseReason | undefined

  constructor(
    status: number,
    registryCode: RefusalCode,
    message: string,
    {detail, headers = {}, cause, reason}: RefusalDetails = {},
  ) {
    super('ERR_INJECT_REQUEST_REFUSED', message, {cause})
    this.status = status
    this.registryCode = registryCode
    this.detail = detail
    this.headers = headers
    this.reason = reason
  }
}

/** What a request is logged as whose client went away before it had its answer. */
export const clientClosedRequest = 499
