import {html as css} from './html.js'

/** Which layout of a treemap a page shows, by its width, and where two are side by side. */
export const figureStyle = css`
  .map {
    display: block;
    width: 100%;
    height: auto;
  }
  .map.medium,
  .map.narrow {
    display: none;
  }
  .sides {
    display: grid;
    grid-template-columns: 1fr 1fr;
    gap: 0 1.25rem;
    align-items: start;
  }
  @media (max-width: 64rem) {
    .map.wide {
      display: none;
    }
    .map.medium {
      display: block;
    }
  }
  @media (max-width: 36rem) {
    .map.medium {
      display: none;
    }
    .map.narrow {
      display: block;
    }
    .sides {
      grid-template-columns: 1fr;
    }
  }
`
