// @automerge/automerge 3.x: one A.change per commit; updates are the raw change bytes.
import * as A from '@automerge/automerge';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
const require = createRequire(import.meta.url);
export const name = 'automerge';
export const version = JSON.parse(readFileSync(new URL('../../node_modules/@automerge/automerge/package.json', import.meta.url))).version;
export const caps = { text: true, map: true };
const actor = (id) => id.toString(16).padStart(32, '0');
const T = { time: 0 };
// every replica starts from the same creating change (same hash), so root objects are shared
const BASE = {
  text: A.save(A.change(A.init({ actor: actor(0xffffffff) }), T, (d) => { d.t = ''; })),
  map: A.save(A.change(A.init({ actor: actor(0xffffffff) }), T, (d) => { d.m = {}; })),
};
export class H {
  constructor({ id, kind, capture = false, base = null }) {
    this.kind = kind; this.capture = capture; this.last = null;
    this.doc = A.load(base ?? BASE[kind], { actor: actor(id) });
  }
  #done() { if (this.capture) this.last = A.getLastLocalChange(this.doc); }
  edit(patches) {
    this.doc = A.change(this.doc, T, (d) => { for (const [pos, del, ins] of patches) A.splice(d, ['t'], pos, del, ins); });
    this.#done();
  }
  editAll(patches) { this.edit(patches); }
  set(k, v) { this.doc = A.change(this.doc, T, (d) => { d.m[k] = v; }); this.#done(); }
  setAll(kvs) { this.doc = A.change(this.doc, T, (d) => { const m = d.m; for (const [k, v] of kvs) m[k] = v; }); this.#done(); }
  take() { const u = this.last; this.last = null; return u; }
  apply(u) { this.doc = this.#isDoc(u) ? A.loadIncremental(this.doc, u) : A.applyChanges(this.doc, [u])[0]; }
  #isDoc(u) { return u[8] === 0; } // chunk type byte: 0 = document, 1 = change
  applyMany(us) { this.doc = A.applyChanges(this.doc, us)[0]; }
  encode() { return A.save(this.doc); }
  extraSizes() { return {}; }
  value() { return this.kind === 'text' ? this.doc.t : { ...this.doc.m }; }
  static load(bytes, { id, kind }) { return new H({ id, kind, base: bytes }); }
  free() { A.free(this.doc); }
}
