// diamond-types-node (wasm, text only). Doc keeps full oplog; updates are getPatchSince(previous local version).
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { Doc, OpLog } = require('diamond-types-node');
import { readFileSync } from 'node:fs';
export const name = 'diamond-types';
export const version = JSON.parse(readFileSync(new URL('../../node_modules/diamond-types-node/package.json', import.meta.url))).version;
export const caps = { text: true, map: false, batchRebuilds: true };
export class H {
  constructor({ id, kind, capture = false, base = null }) {
    this.capture = capture; this.last = null; this.agent = 'p' + id;
    this.doc = base ? Doc.fromBytes(base, this.agent) : new Doc(this.agent);
  }
  #p(patches) { for (const [pos, del, ins] of patches) { if (del) this.doc.del(pos, del); if (ins) this.doc.ins(pos, ins); } }
  edit(patches) {
    if (!this.capture) return this.#p(patches);
    const v = this.doc.getLocalVersion();
    this.#p(patches);
    this.last = this.doc.getPatchSince(v);
  }
  editAll(patches) { this.#p(patches); }
  take() { const u = this.last; this.last = null; return u; }
  apply(u) { this.doc.mergeBytes(u); }
  // batch: add everything to an oplog, then check out once (rebuilds the document: for fresh replicas only)
  applyMany(us) { const o = OpLog.fromBytes(this.doc.toBytes(), this.agent); for (const u of us) o.addFromBytes(u); const d = Doc.fromBytes(o.toBytes(), this.agent); o.free(); this.doc.free(); this.doc = d; }
  encode() { return this.doc.toBytes(); }
  extraSizes() { return {}; }
  value() { return this.doc.get(); }
  static load(bytes, { id, kind }) { return new H({ id, kind, base: bytes }); }
  free() { this.doc.free(); }
}
