import fc from 'fast-check'
import {expect, it} from 'vitest'
import {html, visible} from '../../src/picture/html.js'

/** What a browser reads from text without tags. */
function decode(text: string): string {
  return text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
}

const anyText = fc.oneof(
  fc.string({unit: 'binary'}),
  fc.string({unit: fc.constantFrom(...'<>"\'&;#/=! -\n\t\0\u202Ea\u{1F600}\uD800'.split(''))}),
  fc.constantFrom('</p><script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '&lt;b&gt;'),
)

it('P any text in a template is that text, in an element as in an attribute', () => {
  fc.assert(
    fc.property(anyText, anyText, (name, content) => {
      const text = html`<p title="${name}">${content}</p>`.toString()
      const [, title, inner] = /^<p title="([^"<>']*)">([^"<>']*)<\/p>$/.exec(text) ?? []
      expect(decode(title ?? 'no match')).toBe(visible(name))
      expect(decode(inner ?? 'no match')).toBe(visible(content))
      // every & begins one of ours
      expect(text.replaceAll(/&#\d+;/g, '')).not.toContain('&')
    }),
  )
})

it('what cannot be seen, or turns text around, is shown as a mark', () => {
  expect(visible('a\u202Eb\u200Bc\0d\u2028e\uD800f\u{1F600}')).toBe('a�b�c�d�e�f\u{1F600}')
  expect(visible('RUN <<EOF\r\n\techo\nEOF')).toBe('RUN <<EOF echo EOF')
})

it('parts that are HTML stay, lists of them are joined, nothing is nothing', () => {
  const parts = ['<a>', '&'].map((text) => html`<i>${text}</i>`)
  expect(html`${parts}${undefined}${0}`.toString()).toBe('<i>&#60;a&#62;</i><i>&#38;</i>0')
})

it('an object that merely looks like HTML is text', () => {
  const forged = {toString: () => '<script>', text: '<script>'} as unknown as string
  expect(() => html`${forged}`).toThrow()
})
