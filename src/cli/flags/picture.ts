import {Flags} from '@oclif/core'

/** The flags of commands whose result can be drawn. */
export const pictureFlags = {
  html: Flags.string({
    helpGroup: 'PICTURES',
    helpValue: 'FILE',
    summary: 'Write the result to FILE as a page that needs no network and no script.',
  }),
  svg: Flags.string({
    helpGroup: 'PICTURES',
    helpValue: 'FILE',
    summary: 'Write the result to FILE as an SVG drawing.',
  }),
}

interface PictureFlags {
  readonly html?: string | undefined
  readonly svg?: string | undefined
}

/** Whether anything is to be drawn. */
export function isDrawn({html, svg}: PictureFlags): boolean {
  return html !== undefined || svg !== undefined
}

/** The files of `--html` and `--svg`, as `perform` writes them. */
export function pictureFiles<Result>(
  {html, svg}: PictureFlags,
  render: {
    readonly html: (result: Result) => string
    readonly svg: (result: Result) => string
  },
): {readonly path: string; readonly text: (result: Result) => string}[] {
  return [
    ...(html === undefined ? [] : [{path: html, text: render.html}]),
    ...(svg === undefined ? [] : [{path: svg, text: render.svg}]),
  ]
}
