/** How the page of a report looks, by day and by night; the drawings take their colours from it. */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #f6f5f8; --card: #fff; --text: #211d28; --dim: #6b6476; --rule: #e2dee8;
  --one: #6d3fb0; --two: #0f8a6c; --bad: #c3312b; --net: #d08a12; --disk: #2f77c4; }
@media (prefers-color-scheme: dark) { :root {
  --page: #141217; --card: #1d1a22; --text: #ebe7f0; --dim: #a59db1; --rule: #37313f;
  --one: #b894f5; --two: #4fcaa6; --bad: #ff7a70; --net: #e6b04a; --disk: #74b1f2; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.01em }
h2 { margin: 2.25rem 0 0.75rem; font-size: 1.15rem }
h3 { margin: 0; font-size: 1rem }
p { margin: 0.25rem 0 }
header p { color: var(--dim) }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace }
pre { margin: 0; padding: 0.75rem 1rem; overflow: auto; border-radius: 8px; background: var(--page); }
header .verdict { display: inline-block; margin: 0.9rem 0 0; padding: 0.2rem 0.8rem; border-radius: 99px; color: #fff;
  background: var(--two); font-weight: 600; }
.verdict.bad { background: var(--bad) }
@media (prefers-color-scheme: dark) { header .verdict { color: #141217 } }
.cards { display: grid; gap: 0.75rem; margin-top: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)) }
.cards div, figure, table, .violation, details { background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
.cards div { padding: 0.7rem 0.9rem }
.cards b { display: block; font-size: 1.3rem; line-height: 1.3; font-variant-numeric: tabular-nums }
.cards span { color: var(--dim); font-size: 0.86rem }
.violation { padding: 0.8rem 1rem; margin: 0.6rem 0; border-left: 5px solid var(--bad); overflow-wrap: anywhere }
.violation small { color: var(--dim) }
.plots { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)) }
figure { display: flex; flex-direction: column; margin: 0; padding: 0.9rem 1rem 0.6rem; min-width: 0 }
figcaption p { color: var(--dim); font-size: 0.9rem }
figure svg { margin-top: auto }
.legend { display: flex; flex-wrap: wrap; gap: 0.15rem 1rem; color: var(--dim); font-size: 0.86rem }
.legend i { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.4em; border-radius: 3px;
  vertical-align: -0.05em; background: currentColor }
svg { display: block; width: 100%; height: auto; font-size: 11.5px }
svg text { fill: var(--dim) }
.axes line { stroke: var(--rule) } .axes .base { stroke: var(--dim) }
.middle { text-anchor: middle } .end { text-anchor: end }
.note { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round }
.bar { fill: var(--one) }
.line { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round }
.wide-line { stroke-width: 5; opacity: 0.45 }
.area { fill: currentColor; opacity: 0.14 }
.upright { stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 5 4 }
.asked { stroke: var(--dim); stroke-dasharray: 2 4 }
.mark { stroke: currentColor; stroke-width: 1.4 }
.band { fill: currentColor; opacity: 0.16 }
.broken { stroke: var(--bad); stroke-width: 1.6; stroke-dasharray: 2 3 }
.one { color: var(--one) } .two, .come { color: var(--two) } .bad, .gone, .lies { color: var(--bad) }
.net { color: var(--net) } .disk { color: var(--disk) } .dim { color: var(--dim) }
.gone { color: var(--dim) }
.wide { overflow-x: auto }
table { width: 100%; border-collapse: separate; border-spacing: 0; overflow: hidden;
  font-variant-numeric: tabular-nums }
th, td { padding: 0.45rem 0.9rem; text-align: right; border-top: 1px solid var(--rule); white-space: nowrap }
tr:first-child th { border-top: 0; color: var(--dim); font-weight: 500 }
th:first-child { text-align: left }
td.bad { font-weight: 600 }
details { margin-top: 0.75rem; padding: 0.7rem 1rem }
summary { cursor: pointer; font-weight: 600 }
details pre { margin-top: 0.6rem; max-height: 36rem }
@media print { body { background: #fff } figure, .violation { break-inside: avoid } }
`
