// worker.mjs <adapter file> <workload> <maxWarmReps> <warmBudgetMs>: one fresh process, JSON on the last stdout line.
import { pathToFileURL, fileURLToPath } from 'node:url';
import { resolve, dirname, join } from 'node:path';
import { rng, readTrace, canonMap } from './lib.mjs';

// count wasm linear memory (it is not in heapUsed)
const mems = new Set();
const grab = (inst) => { for (const v of Object.values(inst.exports)) if (v instanceof WebAssembly.Memory) mems.add(v); return inst; };
const OI = WebAssembly.Instance;
WebAssembly.Instance = new Proxy(OI, { construct: (t, args) => grab(new t(...args)) });
const oi = WebAssembly.instantiate;
WebAssembly.instantiate = async (...a) => { const r = await oi(...a); grab(r.instance ?? r); return r; };

const [adapterFile, workload, maxWarm = '3', warmBudget = '4000'] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const DATA = process.env.CRDT_DATA ?? join(here, '../../../test/data');
const ad = await import(pathToFileURL(resolve(adapterFile)));
const { H, caps } = ad;
const CAP = +(process.env.CRDT_CAP_MS ?? 10000); // one-by-one merging stops after this long and is reported as capped
const now = () => performance.now();
const gc = () => { for (let i = 0; i < 4; i++) globalThis.gc(); };
const wasm = () => { let n = 0; for (const m of mems) n += m.buffer.byteLength; return n; };
const memNow = () => { gc(); const m = process.memoryUsage(); return { heap: m.heapUsed, wasm: wasm(), rss: m.rss, ext: m.arrayBuffers }; };
const same = (a, b, what) => { if (a !== b) throw new Error(`MISMATCH ${what}: lengths ${a?.length} vs ${b?.length}`); };
const sum = (us) => { let n = 0; for (const u of us) n += u.length; return n; };

// ---------- single writer text ----------
function single(out, ops, expected, { onetx = true, memory = true } = {}) {
  const kind = 'text';
  let m0 = memory && memNow();
  let t = now();
  let h = new H({ id: 1, kind });
  for (const o of ops) h.edit([o]);
  out.local_ms = now() - t;
  if (memory) { const m1 = memNow(); out.mem_heap_bytes = m1.heap - m0.heap; out.mem_wasm_bytes = m1.wasm - m0.wasm; out.mem_rss_bytes = m1.rss - m0.rss; }
  same(h.value(), expected, 'local');
  t = now(); const bytes = h.encode(); out.encode_ms = now() - t;
  out.doc_bytes = bytes.length;
  for (const [k, v] of Object.entries(h.extraSizes())) out[k] = v;
  h.free?.(); h = null;
  t = now(); let l = H.load(bytes, { id: 2, kind }); const v = l.value(); out.load_ms = now() - t;
  same(v, expected, 'load');
  // one edit after a load: catches libraries that defer work
  t = now(); l.edit([[v.length >> 1, 0, 'x']]); l.value(); out.load_then_edit_ms = out.load_ms + now() - t;
  l.free?.(); l = null;
  if (onetx) { t = now(); const b = new H({ id: 1, kind }); b.editAll(ops); out.local_onetx_ms = now() - t; same(b.value(), expected, 'onetx'); out.doc_bytes_onetx = b.encode().length; b.free?.(); }
  // one update per edit
  t = now();
  let g = new H({ id: 1, kind, capture: true });
  const ups = new Array(ops.length);
  for (let i = 0; i < ops.length; i++) { g.edit([ops[i]]); ups[i] = g.take(); }
  out.local_updates_ms = now() - t;
  out.updates_bytes = sum(ups);
  g.free?.(); g = null;
  t = now();
  let r = new H({ id: 3, kind });
  const rv = oneByOne(out, 'merge_updates_ms', r, ups, (h) => h.value()); if (rv !== null) same(rv, expected, 'merge updates');
  r.free?.(); r = null;
  if (H.prototype.applyMany) { t = now(); const q = new H({ id: 4, kind }); q.applyMany(ups); const qv = q.value(); out.merge_batch_ms = now() - t; same(qv, expected, 'merge batch'); q.free?.(); }
}
const apply = (ops) => { let arr = []; for (const [p, d, i] of ops) arr.splice(p, d, ...i); return arr.join(''); };

// ---------- workloads ----------
const W = {
  'A.trace': () => { const tr = readTrace(join(DATA, 'automerge-paper.json.gz')); const ops = tr.txns.flatMap((x) => x.patches); return (o, c) => single(o, ops, tr.endContent, { memory: c }); },
  'A.extra': () => { const tr = readTrace(process.env.CRDT_EXTRA_SEQUENTIAL); const ops = tr.txns.flatMap((x) => x.patches); return (o, c) => single(o, ops, tr.endContent, { memory: c }); },
  'B1.1': () => { const r = rng(11); const ops = []; for (let i = 0; i < 6000; i++) ops.push([i, 0, r.chr()]); const e = apply(ops); return (o, c) => single(o, ops, e, { memory: c }); },
  'B1.4': () => { const r = rng(14); const ops = []; for (let i = 0; i < 6000; i++) ops.push([r.int(i + 1), 0, r.chr()]); const e = apply(ops); return (o, c) => single(o, ops, e, { memory: c }); },
  'B2.4': () => { // two writers, N=6000 random insert-word / delete each on a shared 100-char base, then exchange everything
    const gen = (seed) => { const r = rng(seed); let len = 100; const ops = []; for (let i = 0; i < 6000; i++) { const pos = r.int(len + 1); if (pos === len || r.f() < 0.5) { let w = ''; const n = 2 + r.int(7); for (let j = 0; j < n; j++) w += r.chr(); ops.push([pos, 0, w]); len += n; } else { const d = Math.min(len - pos, 1 + r.int(9)); ops.push([pos, d, '']); len -= d; } } return ops; };
    return (o, c) => concurrent(o, 'text', 'a'.repeat(100), [gen(241), gen(242)], c);
  },
  'B3.text200x20': () => { // 200 writers fork one base, 20 single-char random inserts each, then merge
    const writers = []; for (let w = 0; w < 200; w++) { const r = rng(3000 + w); let len = 100; const ops = []; for (let i = 0; i < 20; i++) ops.push([r.int(len++ + 1), 0, r.chr()]); writers.push(ops); }
    return (o, c) => concurrent(o, 'text', 'a'.repeat(100), writers, c);
  },
  'C.map1x50k': () => { const r = rng(51); const kvs = []; for (let i = 0; i < 50000; i++) kvs.push(['k' + r.int(5000), i]); const e = canonMap(Object.fromEntries(kvs)); return (o, c) => mapSingle(o, kvs, e, c); },
  'C.map10x5k': () => { const writers = []; for (let w = 0; w < 10; w++) { const r = rng(510 + w); const kvs = []; for (let i = 0; i < 5000; i++) kvs.push(['k' + r.int(5000), w * 100000 + i]); writers.push(kvs); } return (o, c) => concurrent(o, 'map', null, writers, c); },
  'B3.map200': () => { const writers = []; for (let w = 0; w < 200; w++) { const kvs = []; for (let i = 0; i < 20; i++) kvs.push(['k' + i, 'client' + w + '-' + i]); writers.push(kvs); } return (o, c) => concurrent(o, 'map', null, writers, c); },
  'D.friendsforever': () => { const tr = readTrace(join(DATA, 'friendsforever.json.gz')); return (o, c) => dag(o, tr, c); },
  'D.extra': () => { const tr = readTrace(process.env.CRDT_EXTRA_CONCURRENT); return (o, c) => dag(o, tr, c); },
};

function mapSingle(out, kvs, expected, memory) {
  const kind = 'map';
  let m0 = memory && memNow();
  let t = now(); let h = new H({ id: 1, kind }); for (const [k, v] of kvs) h.set(k, v); out.local_ms = now() - t;
  if (memory) { const m1 = memNow(); out.mem_heap_bytes = m1.heap - m0.heap; out.mem_wasm_bytes = m1.wasm - m0.wasm; out.mem_rss_bytes = m1.rss - m0.rss; }
  same(canonMap(h.value()), expected, 'map local');
  t = now(); const bytes = h.encode(); out.encode_ms = now() - t; out.doc_bytes = bytes.length;
  for (const [k, v] of Object.entries(h.extraSizes())) out[k] = v;
  h.free?.(); h = null;
  t = now(); let l = H.load(bytes, { id: 2, kind }); const lv = l.value(); out.load_ms = now() - t; same(canonMap(lv), expected, 'map load'); l.free?.(); l = null;
  t = now(); const b = new H({ id: 1, kind }); b.setAll(kvs); out.local_onetx_ms = now() - t; same(canonMap(b.value()), expected, 'map onetx'); b.free?.();
  t = now(); let g = new H({ id: 1, kind, capture: true }); const ups = []; for (const [k, v] of kvs) { g.set(k, v); ups.push(g.take()); } out.local_updates_ms = now() - t; out.updates_bytes = sum(ups); g.free?.(); g = null;
  t = now(); const r = new H({ id: 3, kind }); const rv = oneByOne(out, 'merge_updates_ms', r, ups, (h) => h.value()); if (rv !== null) same(canonMap(rv), expected, 'map merge'); r.free?.();
  if (H.prototype.applyMany) { t = now(); const q = new H({ id: 4, kind }); q.applyMany(ups); const qv = q.value(); out.merge_batch_ms = now() - t; same(canonMap(qv), expected, 'map batch'); q.free?.(); }
}

// apply updates one by one; give up after CAP ms (reported as capped, never as a finished figure)
function oneByOne(out, metric, h, us, read) {
  const t = now(); let done = 0;
  for (const u of us) { h.apply(u); done++; if ((done & 63) === 0 && now() - t > CAP) break; }
  if (done < us.length) { out[metric.replace(/_ms$/, '_capped_ms')] = now() - t; out[metric.replace(/_ms$/, '_applied_before_cap')] = done; return null; }
  const v = read(h); out[metric] = now() - t; return v;
}

// n writers fork a base, edit without seeing each other, then everything is merged
function concurrent(out, kind, baseText, writers, memory) {
  const b = new H({ id: 9999, kind });
  if (baseText) b.edit([[0, 0, baseText]]);
  const base = b.encode(); b.free?.();
  const fork = (id, capture = false) => (baseText ? new H({ id, kind, capture, base }) : new H({ id, kind, capture }));
  const canon = (h) => (kind === 'map' ? canonMap(h.value()) : h.value());
  const seen = []; const agree = (v, what) => { if (v === null) return; if (seen.length) same(v, seen[0], what); seen.push(v); };
  let t = now();
  const hs = []; const all = [];
  for (let w = 0; w < writers.length; w++) {
    const h = fork(w + 1, true); const ups = [];
    for (const op of writers[w]) { if (kind === 'map') h.set(op[0], op[1]); else h.edit([op]); ups.push(h.take()); }
    hs.push(h); all.push(ups);
  }
  out.local_updates_ms = now() - t;
  out.updates_bytes = all.reduce((n, us) => n + sum(us), 0);
  const flat = all.flat();
  const inter = []; for (let i = 0; i < Math.max(...all.map((x) => x.length)); i++) for (let w = all.length - 1; w >= 0; w--) if (all[w][i]) inter.push(all[w][i]);
  let m0 = memory && memNow();
  let m = fork(5001); const v1 = oneByOne(out, 'merge_updates_ms', m, flat, canon); agree(v1, 'writer by writer');
  if (memory) { const m1 = memNow(); out.mem_heap_bytes = m1.heap - m0.heap; out.mem_wasm_bytes = m1.wasm - m0.wasm; out.mem_rss_bytes = m1.rss - m0.rss; }
  const rr = fork(5002); const v2 = oneByOne(out, 'merge_interleaved_ms', rr, inter, canon); agree(v2, 'interleaved'); rr.free?.();
  if (H.prototype.applyMany) { t = now(); const q = fork(5005); q.applyMany(flat); const v = canon(q); out.merge_batch_ms = now() - t; agree(v, 'batch'); if (v1 === null) { m.free?.(); m = q; } else q.free?.(); }
  // merge of full states (one blob per writer), where the library can merge encoded states
  if (caps.mergeState !== false) { const states = hs.map((h) => h.encode()); out.states_bytes = sum(states); t = now(); const q = fork(5003); for (const s of states) q.apply(s); const v = canon(q); out.merge_states_ms = now() - t; agree(v, 'state merge'); if (v1 === null && !H.prototype.applyMany) { m.free?.(); m = q; } else q.free?.(); }
  if (writers.length === 2 && v1 !== null && v2 !== null) { // exchange: each side applies the other's updates one by one
    t = now(); for (const u of all[1]) hs[0].apply(u); for (const u of all[0]) hs[1].apply(u); out.exchange_ms = now() - t;
    agree(canon(hs[0]), 'side 0'); agree(canon(hs[1]), 'side 1');
  }
  t = now(); const bytes = m.encode(); out.encode_ms = now() - t; out.doc_bytes = bytes.length;
  for (const [k, x] of Object.entries(m.extraSizes())) out[k] = x;
  t = now(); const l = H.load(bytes, { id: 5004, kind }); const lv = canon(l); out.load_ms = now() - t; agree(lv, 'load');
  l.free?.(); m.free?.(); for (const h of hs) h.free?.();
  out.result_len = seen[0].length; out.orders_agreeing = seen.length;
}

// josephg concurrent trace: one replica per agent, kept exactly at the version the transaction was made at
function dag(out, tr, memory) {
  const kind = 'text'; const n = tr.txns.length;
  // plan (untimed): which transactions each agent must merge before making txn i
  if (!tr.plan) {
    const has = Array.from({ length: tr.numAgents }, () => new Uint8Array(n)); tr.plan = [];
    for (let i = 0; i < n; i++) { const x = tr.txns[i]; const mine = has[x.agent]; const need = []; const st = [...x.parents];
      while (st.length) { const j = st.pop(); if (mine[j]) continue; mine[j] = 1; need.push(j); for (const p of tr.txns[j].parents) st.push(p); }
      need.sort((a, b) => a - b); tr.plan.push(need); mine[i] = 1; }
  }
  let t = now();
  const hs = Array.from({ length: tr.numAgents }, (_, a) => new H({ id: a + 1, kind, capture: true })); const ups = new Array(n).fill(null);
  for (let i = 0; i < n; i++) { const x = tr.txns[i]; const h = hs[x.agent]; const need = tr.plan[i].map((j) => ups[j]).filter(Boolean); if (need.length > 1 && h.applyMany && !caps.batchRebuilds) h.applyMany(need); else for (const u of need) h.apply(u); if (x.patches.length) { h.edit(x.patches); ups[i] = h.take(); } }
  out.replay_exchange_ms = now() - t;
  for (const h of hs) h.free?.();
  const us = ups.filter(Boolean); out.updates_bytes = sum(us);
  let m0 = memory && memNow();
  t = now(); let m = new H({ id: 77, kind }); const v = oneByOne(out, 'merge_updates_ms', m, us, (h) => h.value());
  if (memory) { const m1 = memNow(); out.mem_heap_bytes = m1.heap - m0.heap; out.mem_wasm_bytes = m1.wasm - m0.wasm; out.mem_rss_bytes = m1.rss - m0.rss; }
  if (v !== null) same(v, tr.endContent, 'endContent');
  if (H.prototype.applyMany) { t = now(); const q = new H({ id: 78, kind }); q.applyMany(us); const qv = q.value(); out.merge_batch_ms = now() - t; same(qv, tr.endContent, 'batch'); if (v === null) { m.free?.(); m = q; } else q.free?.(); }
  t = now(); const bytes = m.encode(); out.encode_ms = now() - t; out.doc_bytes = bytes.length;
  for (const [k, x] of Object.entries(m.extraSizes())) out[k] = x;
  t = now(); const l = H.load(bytes, { id: 79, kind }); const lv = l.value(); out.load_ms = now() - t; same(lv, tr.endContent, 'load'); l.free?.(); m.free?.();
}

if (workload === '--list') { console.log(Object.keys(W).join('\n')); process.exit(0); }
const run = W[workload](); // inputs built outside the clock
const needsMap = workload.startsWith('C.') || workload === 'B3.map200';
if (needsMap && !caps.map) { console.log(JSON.stringify({ lib: ad.name, version: ad.version, skipped: 'no map type' })); process.exit(0); }
const c0 = now(); const cold = {}; run(cold, true); const coldMs = now() - c0;
const warm = []; const t0 = now();
for (let i = 0; i < (coldMs > +warmBudget ? 0 : +maxWarm); i++) { gc(); const o = {}; run(o, false); warm.push(o); if (now() - t0 > +warmBudget) break; }
console.log(JSON.stringify({ lib: ad.name, version: ad.version, cold, warm }));
process.exit(0);
