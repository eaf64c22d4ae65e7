import {createHash} from 'node:crypto'
import {drawingStyle} from './drawing-style.js'
import {figureStyle} from './figure-style.js'
import {html} from './html.js'
import {sortingStyle} from './sorting-style.js'

/** The one style sheet of the page, in its element. Nothing in it comes from outside. */
export const style = html`<style>
  :root {
    color-scheme: light dark;
    --back: #ffffff;
    --text: #1b1f24;
    --quiet: #57606a;
    --line: #d5dbe1;
    --track: #eef1f4;
    --link: #0a58b5;
    --slot: #b4500f;
    --badge: #fdefe3;
    --fault: #a3161f;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --back: #101418;
      --text: #e4e9ee;
      --quiet: #9ba7b3;
      --line: #323c46;
      --track: #1d242b;
      --link: #7db4f5;
      --slot: #f0944f;
      --badge: #3a2413;
      --fault: #ff8a8f;
    }
  }
  * {
    box-sizing: border-box;
  }
  body {
    max-width: 72rem;
    margin: 0 auto;
    padding: 1rem 1.25rem 3rem;
    background: var(--back);
    color: var(--text);
    font:
      1rem/1.5 system-ui,
      sans-serif;
    overflow-wrap: anywhere;
  }
  a {
    color: var(--link);
  }
  a:focus-visible,
  input:focus-visible,
  button:focus-visible {
    outline: 3px solid var(--slot);
    outline-offset: 2px;
  }
  code {
    font:
      0.875em/1.4 ui-monospace,
      monospace;
  }
  h1 {
    margin: 0.75rem 0 1rem;
    font-size: 1.6rem;
    line-height: 1.25;
  }
  h2 {
    margin: 2rem 0 0.5rem;
    font-size: 1.15rem;
  }
  h3 {
    margin: 1.25rem 0 0.5rem;
    font-size: 1rem;
  }
  nav ol {
    display: flex;
    flex-wrap: wrap;
    gap: 0 0.5rem;
    margin: 0;
    padding: 0 0 0.5rem;
    border-bottom: 1px solid var(--line);
    list-style: none;
  }
  nav li + li::before {
    content: '/';
    margin-right: 0.5rem;
    color: var(--quiet);
  }
  dl {
    display: grid;
    grid-template-columns: max-content 1fr;
    gap: 0.15rem 1.25rem;
    margin: 0;
  }
  dt {
    color: var(--quiet);
  }
  dd {
    margin: 0;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  caption {
    padding-bottom: 0.35rem;
    color: var(--quiet);
    text-align: left;
  }
  th,
  td {
    padding: 0.45rem 1rem 0.45rem 0;
    border-top: 1px solid var(--line);
    text-align: left;
    vertical-align: top;
  }
  th {
    font-weight: 600;
  }
  thead th {
    border-top: 0;
    color: var(--quiet);
    font-weight: 400;
  }
  .number {
    text-align: right;
    white-space: nowrap;
  }
  .brief {
    white-space: nowrap;
  }
  .free {
    white-space: normal;
  }
  .bars {
    width: 34%;
  }
  .key {
    display: none;
  }
  .quiet {
    color: var(--quiet);
  }
  .fault {
    color: var(--fault);
  }
  .badge {
    display: inline-block;
    padding: 0 0.45rem;
    border: 1px solid var(--slot);
    border-radius: 0.4rem;
    background: var(--badge);
    color: var(--slot);
    font-size: 0.875rem;
  }
  .strip,
  .bar {
    display: block;
    width: 100%;
    background: var(--track);
  }
  figcaption {
    padding: 0.2rem 0;
  }
  figure {
    margin: 0.75rem 0 1.25rem;
  }
  .strip {
    height: 2.5rem;
    margin-bottom: 0.35rem;
  }
  .bar {
    height: 1.1rem;
    margin-top: 0.2rem;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 1.25rem;
    margin: 0.5rem 0;
  }
  .copy {
    user-select: all;
  }
  form {
    margin: 0 0 1rem;
  }
  input,
  button {
    padding: 0.25rem 0.6rem;
    border: 1px solid var(--quiet);
    border-radius: 0.3rem;
    background: var(--back);
    color: var(--text);
    font: inherit;
  }
  input {
    max-width: 100%;
  }
  .pager {
    display: flex;
    gap: 1.5rem;
  }
  footer {
    margin-top: 3rem;
    color: var(--quiet);
    font-size: 0.875rem;
  }
  @media (max-width: 44rem) {
    thead {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
    }
    table,
    tbody,
    tr,
    caption {
      display: block;
    }
    tr {
      padding: 0.5rem 0;
      border-top: 1px solid var(--line);
    }
    th,
    td {
      display: grid;
      grid-template-columns: 6rem 1fr;
      gap: 0.5rem;
      width: auto;
      padding: 0.1rem 0;
      border: 0;
    }
    th.bars,
    td.bars {
      width: auto;
    }
    .number {
      text-align: left;
    }
    .number,
    .brief {
      white-space: normal;
    }
    .key {
      display: block;
      color: var(--quiet);
      font-weight: 400;
    }
    dl {
      grid-template-columns: 1fr;
      gap: 0;
    }
    dd {
      margin-bottom: 0.4rem;
    }
  }
  @media print {
    body {
      max-width: none;
      padding: 0;
      print-color-adjust: exact;
    }
    figure,
    tr {
      break-inside: avoid;
    }
  }
  ${figureStyle} ${drawingStyle} ${sortingStyle}
</style>`

const text = style.toString().slice('<style>'.length, -'</style>'.length)

/**
 * That style sheet, as a source of a policy that allows nothing else.
 * https://www.w3.org/TR/CSP3/#source-list-syntax
 */
export const styleSource = `'sha256-${createHash('sha256').update(text).digest('base64')}'`
