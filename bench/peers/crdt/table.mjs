// table.mjs <results.jsonl> [--all]: markdown, a table a workload. Times: warm median (min) in ms, cold (c) where no warm run
// fitted the budget. The last column says which place allium takes, and marks what is slower than yjs or the second-best.
import { readFileSync } from 'node:fs';
const all = process.argv.includes('--all');
const rows = readFileSync(process.argv[2], 'utf8').trim().split('\n').map((l) => JSON.parse(l)).filter((r) => !r.meta);
const RANKED = ['allium', 'yjs', 'automerge', 'loro', 'diamond-types', 'json-joy'];
const f = (x) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2));
const show = (r) => (r.phase === 'size' ? String(r.median) : `${f(r.median)} (${f(r.min)})${r.phase === 'cold' ? ' c' : ''}`);
for (const wl of new Set(rows.map((r) => r.workload))) {
  const rs = rows.filter((r) => r.workload === wl); const libs = [...new Set(rs.map((r) => r.lib))];
  const metrics = [...new Set(rs.filter((r) => r.metric).map((r) => r.metric))].filter((m) => all || !/onetx$|result_len|orders|rss|ext/.test(m));
  console.log(`\n### ${wl}\n| metric | ${libs.join(' | ')} | |\n|---|${libs.map(() => '---|').join('')}---|`);
  for (const m of metrics) {
    const best = new Map(libs.flatMap((l) => {
      const x = rs.filter((r) => r.lib === l && r.metric === m);
      const of = ['size', 'warm', 'cold'].map((phase) => x.findLast((r) => r.phase === phase)).find((r) => r);
      return of ? [[l, of]] : [];
    }));
    const cells = libs.map((l) => (best.has(l) ? show(best.get(l)) : rs.some((r) => r.lib === l && (r.skipped || r.error)) ? 'n/a' : '–'));
    console.log(`| ${m} | ${cells.join(' | ')} | ${/_ms$|doc_bytes$|updates_bytes$/.test(m) && !/capped/.test(m) ? place(best) : ''} |`);
  }
}
function place(best) {
  const ours = best.get('allium')?.median; if (ours === undefined) return '';
  const peers = RANKED.slice(1).filter((l) => best.has(l)).map((l) => best.get(l).median).sort((a, b) => a - b);
  const marks = [best.has('yjs') && ours > best.get('yjs').median ? 'behind yjs' : '', peers.length > 1 && ours > peers[1] ? 'behind the second-best' : ''];
  return [`${1 + peers.filter((p) => p < ours).length} of ${peers.length + 1}`, ...marks.filter(Boolean)].join(', ');
}
