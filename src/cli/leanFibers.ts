/**
 * To be imported before Effect, in a thread where nobody follows asynchronous contexts: each time a fiber waits, Effect
 * keeps the context it waits in, so that AsyncLocalStorage works across it. A simulation has millions of such waits and
 * nothing that asks for them; without the module Effect does without (measured: 4 % of a run).
 */
const load = process.getBuiltinModule

process.getBuiltinModule = ((id: string) => (id === "node:async_hooks" ? undefined : load(id))) as typeof load
