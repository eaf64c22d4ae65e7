import {html} from './html.js'

/** Heads of columns that sort: buttons that look like heads, with an arrow for the order. */
export const sortingStyle = html`
  .sortable thead button { padding: 0; border: 0; color: inherit; text-align: inherit; cursor:
  pointer; } .sortable thead button::after { content: ' ↕'; opacity: 0.6; } .sortable
  [aria-sort='ascending'] button::after { content: ' ↑'; opacity: 1; } .sortable
  [aria-sort='descending'] button::after { content: ' ↓'; opacity: 1; } @media (max-width: 44rem) {
  .sortable thead { position: static; width: auto; height: auto; display: block; clip-path: none; }
  .sortable thead tr { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; border: 0; } .sortable
  thead tr::before { content: 'Sort by'; color: var(--quiet); } .sortable thead th { display: block;
  width: auto; } } @media print { .sortable thead button::after, .sortable thead tr::before {
  content: none; } }
`
