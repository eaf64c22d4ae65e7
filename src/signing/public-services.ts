/** Services that certify an identity, and that keep a public record of what it signed. */
export interface KeylessServices {
  /** The certificate authority. https://github.com/sigstore/fulcio */
  readonly fulcio: string
  /** The transparency log. https://github.com/sigstore/rekor */
  readonly rekor: string
}

/** The public services of sigstore. */
export const publicServices: KeylessServices = {
  fulcio: 'https://fulcio.sigstore.dev',
  rekor: 'https://rekor.sigstore.dev',
}
