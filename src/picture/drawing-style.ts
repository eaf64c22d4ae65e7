import {html as css} from './html.js'

/**
 * The colours of drawings, for a page and for an SVG file alike. Those that stand for a change are
 * told apart with any colour vision (after M. Okabe, K. Ito, https://jfly.uni-koeln.de/color/), and
 * differ in lightness and in the sign of their labels, too. No variables: other programs than
 * browsers draw SVG files.
 */
export const drawingStyle = css`
  .back {
    fill: #ffffff;
  }
  .ink {
    fill: #1b1f24;
  }
  .soft {
    fill: #57606a;
  }
  rect.odd {
    fill: #5583bd;
  }
  rect.even {
    fill: #86a9d3;
  }
  rect.slot {
    fill: #b4500f;
  }
  rect.kept {
    fill: #c9d0d8;
  }
  rect.added {
    fill: #7fbcec;
  }
  rect.removed {
    fill: #f2a33c;
  }
  rect.changed {
    fill: #e8e2a2;
  }
  rect.mixed {
    fill: #dfe3e8;
  }
  rect.tone0 {
    fill: #c5daf3;
  }
  rect.tone1 {
    fill: #fadcb9;
  }
  rect.tone2 {
    fill: #bfe6d7;
  }
  rect.tone3 {
    fill: #f2cfe0;
  }
  rect.tone4 {
    fill: #f5edab;
  }
  rect.tone5 {
    fill: #d8d1ee;
  }
  rect.folder {
    fill: #eef1f4;
    stroke: #aab3bd;
  }
  rect.outlined {
    stroke: #b4500f;
    stroke-width: 4;
  }
  line {
    stroke: #5583bd;
    stroke-width: 2;
  }
  line.slot {
    stroke: #b4500f;
  }
  .strip line {
    stroke: #ffffff;
    stroke-width: 1;
  }
  .strip rect.slot,
  .strip line.slot {
    stroke: #5f2804;
    stroke-width: 2;
  }
  .strip line.outlined {
    stroke: #b4500f;
    stroke-width: 2;
  }
  .map rect {
    stroke: #ffffff;
  }
  .map rect.folder {
    stroke: #aab3bd;
  }
  .name,
  .head {
    fill: #1b1f24;
    font:
      11px system-ui,
      sans-serif;
  }
  .head {
    fill: #46505a;
    font-weight: 600;
  }
  .swatch {
    width: 0.9em;
    height: 0.9em;
    vertical-align: -0.1em;
  }
  @media (prefers-color-scheme: dark) {
    .back {
      fill: #101418;
    }
    .ink {
      fill: #e4e9ee;
    }
    .soft {
      fill: #9ba7b3;
    }
    rect.odd {
      fill: #6d9bd6;
    }
    rect.even {
      fill: #48709f;
    }
    rect.slot {
      fill: #f0944f;
    }
    rect.kept {
      fill: #46505b;
    }
    rect.added {
      fill: #1b5c97;
    }
    rect.removed {
      fill: #945000;
    }
    rect.changed {
      fill: #5d5a24;
    }
    rect.mixed {
      fill: #343d46;
    }
    rect.tone0 {
      fill: #22446b;
    }
    rect.tone1 {
      fill: #5f3c16;
    }
    rect.tone2 {
      fill: #17503f;
    }
    rect.tone3 {
      fill: #5c2c48;
    }
    rect.tone4 {
      fill: #524d14;
    }
    rect.tone5 {
      fill: #3e3668;
    }
    rect.folder {
      fill: #1d242b;
      stroke: #55616d;
    }
    rect.outlined {
      stroke: #f0944f;
    }
    line {
      stroke: #6d9bd6;
    }
    line.slot {
      stroke: #f0944f;
    }
    .strip line {
      stroke: #101418;
    }
    .strip rect.slot,
    .strip line.slot {
      stroke: #ffe9d6;
    }
    .strip line.outlined {
      stroke: #f0944f;
    }
    .map rect {
      stroke: #101418;
    }
    .map rect.folder {
      stroke: #55616d;
    }
    .name {
      fill: #f0f3f6;
    }
    .head {
      fill: #b9c3cd;
    }
  }
  @media (forced-colors: active) {
    .strip rect,
    .bar rect,
    line {
      fill: CanvasText;
      stroke: CanvasText;
    }
    rect.slot,
    rect.outlined {
      fill: Highlight;
    }
    .strip line {
      stroke: Canvas;
    }
    .map rect {
      fill: Canvas;
      stroke: CanvasText;
    }
    .map text {
      fill: CanvasText;
    }
  }
`
