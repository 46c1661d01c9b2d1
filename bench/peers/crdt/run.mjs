// run.mjs [--libs=a,b] [--adapter=path: another library, or allium's adapter elsewhere] [--workloads=x,y] [--procs=3] [--warm=3] [--budget=4000] [--out=file.jsonl]
// One JSON line per figure on stdout. Each (lib, workload) runs in --procs fresh processes.
import { spawnSync } from 'node:child_process';
import { loadavg, cpus } from 'node:os';
import { readdirSync, appendFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dirname, join, basename, resolve } from 'node:path';
const here = dirname(fileURLToPath(import.meta.url));
const opt = Object.fromEntries(process.argv.slice(2).map((a) => { const m = /^--([^=]+)(?:=(.*))?$/.exec(a); return [m[1], m[2] ?? true]; }));
const OURS = join(here, '../../crdt/adapter.ts');
const ALL = ['allium', 'yjs', 'automerge', 'loro', 'diamond-types', 'json-joy', 'yjs-nogc'];
const named = opt.libs ? opt.libs.split(',') : opt.adapter ? [] : ALL;
const files = [...(opt.adapter ? [resolve(opt.adapter)] : []), ...named.map((l) => l === 'allium' ? OURS : join(here, 'adapters', l + '.mjs'))];
const WL = ['B1.1', 'B1.4', 'B2.4', 'B3.text200x20', 'B3.map200', 'C.map1x50k', 'C.map10x5k', 'D.friendsforever', 'A.trace'];
const workloads = opt.workloads ? opt.workloads.split(',') : WL;
const procs = +(opt.procs ?? 3);
const med = (a) => { const s = [...a].sort((x, y) => x - y); const n = s.length; return n % 2 ? s[(n - 1) / 2] : (s[n / 2 - 1] + s[n / 2]) / 2; };
const rnd = (x) => (Number.isInteger(x) ? x : Math.round(x * 1000) / 1000);
const emit = (o) => { const l = JSON.stringify(o); console.log(l); if (opt.out) appendFileSync(opt.out, l + '\n'); };
if (opt.out && !opt.append) writeFileSync(opt.out, '');
emit({ meta: true, node: process.version, cpu: cpus()[0].model, cores: cpus().length, cap_ms: +(process.env.CRDT_CAP_MS ?? 10000), procs, warm: +(opt.warm ?? 3), date: new Date().toISOString() });
for (const wl of workloads) for (const f of files) {
  const rs = []; let fail = null;
  for (let i = 0; i < procs; i++) {
    const p = spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=6144', join(here, 'worker.mjs'), f, wl, String(opt.warm ?? 3), String(opt.budget ?? 4000)], { encoding: 'utf8', timeout: 900000, maxBuffer: 1 << 28, env: f.endsWith('.ts') ? { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --conditions=allium-source` } : process.env });
    if (p.status !== 0) { fail = (p.error?.message ?? '') + p.stderr.slice(-600); break; }
    rs.push(JSON.parse(p.stdout.trim().split('\n').pop()));
  }
  const lib = rs[0]?.lib ?? basename(f, '.mjs');
  if (fail) { emit({ lib, workload: wl, error: fail }); continue; }
  if (rs[0].skipped) { emit({ lib, version: rs[0].version, workload: wl, skipped: rs[0].skipped }); continue; }
  for (const metric of [...new Set(rs.flatMap((r) => Object.keys(r.cold)))]) {
    const unit = metric.endsWith('_ms') ? 'ms' : metric.endsWith('bytes') || metric.includes('bytes_') ? 'bytes' : '';
    const figure = (phase, xs0) => { const xs = xs0.filter((x) => x !== undefined); if (xs.length) emit({ lib, version: rs[0].version, workload: wl, metric, phase, unit, min: rnd(Math.min(...xs)), median: rnd(med(xs)), max: rnd(Math.max(...xs)), n: xs.length, load: Math.round(loadavg()[0] * 100) / 100 }); };
    if (unit !== 'ms') figure('size', rs.map((r) => r.cold[metric]));
    else { figure('cold', rs.map((r) => r.cold[metric])); figure('warm', rs.flatMap((r) => r.warm.map((w) => w[metric]))); }
  }
}
