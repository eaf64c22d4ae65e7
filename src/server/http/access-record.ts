/** One request, when it is over. */
export interface AccessRecord {
  /** When it came, in milliseconds since 1970. */
  readonly time: number
  readonly id: string
  readonly remote: string
  readonly user: string | undefined
  /** One of HTTP's, else `other`: safe as a label. */
  readonly method: string
  /** As it came: may hold anything but line breaks. At most 512 characters. */
  readonly target: string
  /** What kind of thing was asked for; `none` for no endpoint. */
  readonly resource: string
  /** 499: the client did not wait for the answer. */
  readonly status: number
  /** Bytes of the bodies. */
  readonly received: number
  readonly sent: number
  readonly milliseconds: number
  readonly agent: string | undefined
  /** Why it failed, as the operator should know it. */
  readonly error: string | undefined
}
