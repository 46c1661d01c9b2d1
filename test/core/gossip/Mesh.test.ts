import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { SLACK } from "#core/gossip/Backoffs"
import { Mesh } from "#core/gossip/Mesh"
import type { Action } from "#core/gossip/MeshRules"
import { GRAYLIST_THRESHOLD } from "#core/gossip/PeerScore"
import { sample } from "#core/gossip/pick"
import { Scores } from "#core/gossip/Scores"
import { DEGREE, DEGREE_DIALLED, DEGREE_HIGH, DEGREE_LOW, tended } from "#core/gossip/tending"

const TOPICS = 4
const PRUNE_FOR = 60_000
const LEAVE_FOR = 10_000

/** The same numbers again for the same seed. */
const pickOf = (seed: number) => {
  let state = seed + 1
  return (count: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * count)
  }
}

const makeMesh = (seed = 1) => {
  const scores = new Scores(100)
  const times = { pruneFor: PRUNE_FOR, leaveFor: LEAVE_FOR, fanOutFor: 60_000, opportunityEvery: 60_000 }
  return { scores, mesh: new Mesh({ pick: pickOf(seed), scores, topics: TOPICS, backoffs: 10_000, ...times }) }
}

/** Neighbours that have joined "t"; each third was dialled. */
const crowded = (count: number, seed = 1) => {
  const made = makeMesh(seed)
  const actions: Array<Action> = []
  for (let n = 0; n < count; n++) {
    made.scores.enter(`${n}`, undefined)
    made.mesh.peerUp(`${n}`, n % 3 === 0)
    actions.push(...(made.mesh.subscribed(`${n}`, "t", true, 0) || []))
  }
  return { ...made, actions }
}

const grafts = (actions: ReadonlyArray<Action>) => actions.filter((it) => it._tag === "Graft").map((it) => it.peer)
const prunes = (actions: ReadonlyArray<Action>) => actions.filter((it) => it._tag === "Prune").map((it) => it.peer)

describe("Mesh", () => {
  it("grafts six of those who have joined, and tells all neighbours that it takes part", () => {
    const { mesh } = crowded(20)
    const actions = mesh.join("t", 0)
    assert.strictEqual(actions.filter((it) => it._tag === "Announce" && it.on).length, 20)
    assert.strictEqual(grafts(actions).length, DEGREE)
    assert.sameMembers([...mesh.members("t")], grafts(actions))
    assert.deepStrictEqual(mesh.join("t", 0), [])
  })

  it("takes in whoever joins while it is too thin, and is mended when somebody leaves", () => {
    const { mesh, scores } = makeMesh()
    mesh.join("t", 0)
    for (let n = 0; n < 10; n++) {
      scores.enter(`${n}`, undefined)
      mesh.peerUp(`${n}`, true)
      mesh.subscribed(`${n}`, "t", true, 0)
    }
    assert.strictEqual(mesh.members("t").size, DEGREE)
    const leaving = [...mesh.members("t")].slice(0, DEGREE - DEGREE_LOW + 1)
    assert.deepStrictEqual(
      leaving.map((peer) => grafts(mesh.peerDown(peer, 1)).length),
      [0, 0, leaving.length]
    )
    assert.strictEqual(mesh.members("t").size, DEGREE)
  })

  it("announces itself to a new session, and grafts again whom it has in the mesh already", () => {
    const { mesh } = crowded(6)
    mesh.join("t", 0)
    assert.deepStrictEqual(mesh.peerUp("new", false), [{ _tag: "Announce", peer: "new", topic: "t", on: true }])
    const again = mesh.peerUp("0", true)
    assert.deepStrictEqual(
      again.map((it) => it._tag),
      ["Announce", "Graft"]
    )
  })

  it("accepts grafts up to twelve, and above that only of a neighbour that it dialled itself and misses", () => {
    const { mesh } = crowded(40)
    mesh.join("t", 0)
    const asks = Array.from({ length: 40 }, (_, n) => `${n}`).filter((peer) => Number(peer) % 3 !== 0)
    for (const peer of asks) mesh.grafted(peer, "t", 1)
    assert.strictEqual(mesh.members("t").size, DEGREE_HIGH)
    const dialledIn = [...mesh.members("t")].filter((peer) => Number(peer) % 3 === 0).length
    const own = ["0", "3", "6", "9"].filter((peer) => !mesh.members("t").has(peer))
    for (const peer of own) mesh.grafted(peer, "t", 1)
    assert.strictEqual(mesh.members("t").size, DEGREE_HIGH + Math.max(0, DEGREE_DIALLED - dialledIn))
    mesh.heartbeat(1_000)
    assert.isAtMost(mesh.members("t").size, DEGREE_HIGH)
  })

  it("charges who grafts during its back-off, until it is not heard any more", () => {
    const { mesh, scores } = crowded(40)
    mesh.join("t", 0)
    const stranger = [...mesh.neighbours.of("t")].find((peer) => !mesh.members("t").has(peer))!
    mesh.pruned(stranger, "t", 60, 0)
    for (let n = 0; n < 20; n++) {
      const [answer] = mesh.grafted(stranger, "t", 1_000 + n)
      assert.deepStrictEqual(answer, { _tag: "Prune", peer: stranger, topic: "t", backoff: 60 })
    }
    assert.isBelow(scores.of(stranger, 1_020), GRAYLIST_THRESHOLD)
    assert.isFalse(mesh.members("t").has(stranger))
  })

  it("does not answer grafts into what it has not joined, nor of who has not joined it, but with a prune", () => {
    const { mesh } = crowded(20)
    assert.deepStrictEqual(mesh.grafted("0", "t", 0), [])
    mesh.join("u", 0)
    assert.deepStrictEqual(prunes(mesh.grafted("0", "u", 0)), ["0"])
  })

  it("a heartbeat drops who stands below zero, thins out what is too thick and keeps the best", () => {
    const { mesh, scores } = crowded(40)
    mesh.join("t", 0)
    for (let n = 0; n < 40; n++) mesh.grafted(`${n}`, "t", 1)
    const members = [...mesh.members("t")]
    const [bad, ...rest] = members
    scores.sentInvalid(bad!, 10)
    const best = rest.slice(0, 4)
    for (const peer of best) for (let n = 0; n < 9; n++) scores.broughtFirst(peer, "t", 10)
    const actions = mesh.heartbeat(2_000)
    assert.isFalse(mesh.members("t").has(bad!))
    assert.include(prunes(actions), bad)
    for (const peer of best) assert.isTrue(mesh.members("t").has(peer) || members.length <= DEGREE_HIGH + 1)
    assert.isFalse(grafts(mesh.heartbeat(3_000)).includes(bad!))
  })

  it("a mesh that brings little takes in some who stand better", () => {
    const { mesh, scores } = crowded(20)
    mesh.join("t", 0)
    mesh.heartbeat(0)
    const outside = [...mesh.neighbours.of("t")].filter((peer) => !mesh.members("t").has(peer))
    for (const peer of outside.slice(0, 3)) for (let n = 0; n < 9; n++) scores.broughtFirst(peer, "t", 60_000)
    assert.deepStrictEqual(grafts(mesh.heartbeat(59_999)), [])
    const taken = grafts(mesh.heartbeat(60_001))
    assert.strictEqual(taken.length, 2)
    for (const peer of taken) assert.include(outside.slice(0, 3), peer)
  })

  it("leaving says so, and both sides wait before the next graft", () => {
    const { mesh } = crowded(8)
    const before = grafts(mesh.join("t", 0))
    const actions = mesh.leave("t", 1_000)
    assert.sameMembers(prunes(actions), before)
    assert.strictEqual(actions.filter((it) => it._tag === "Announce" && !it.on).length, 8)
    assert.isFalse(grafts(mesh.join("t", 2_000)).some((peer) => before.includes(peer)))
    mesh.leave("t", 3_000)
    assert.isNotEmpty(grafts(mesh.join("t", 3_000 + LEAVE_FOR + SLACK)))
  })

  it("publishes to the same six of a topic that it has not joined, and joins with them", () => {
    const { mesh } = crowded(20)
    const first = [...mesh.targets("t", 0)]
    assert.strictEqual(first.length, DEGREE)
    assert.deepStrictEqual([...mesh.targets("t", 1_000)], first)
    assert.isFalse(mesh.isIdle())
    mesh.heartbeat(30_000)
    assert.deepStrictEqual([...mesh.targets("t", 30_000)], first)
    assert.sameMembers(grafts(mesh.join("t", 31_000)), first)
    assert.deepStrictEqual([...mesh.targets("nobody's", 0)], [])
  })

  it("forgets a fan-out that is not used, and no more of them are kept than topics", () => {
    const { mesh, scores } = makeMesh()
    for (let n = 0; n < 10; n++) {
      scores.enter(`${n}`, undefined)
      mesh.peerUp(`${n}`, true)
      mesh.subscribed(`${n}`, `topic ${n}`, true, 0)
      mesh.targets(`topic ${n}`, n)
      assert.isAtMost(mesh.fanOuts, TOPICS)
    }
    mesh.heartbeat(60_009)
    assert.strictEqual(mesh.fanOuts, 0)
    assert.isTrue(mesh.isIdle())
  })

  it("a neighbour has no more topics than it may", () => {
    const { mesh } = crowded(1)
    const answers = Array.from({ length: 10 }, (_, n) => mesh.subscribed("0", `topic ${n}`, true, 0))
    assert.strictEqual(answers.filter((it) => it === false).length, 10 - (TOPICS - 1))
    assert.strictEqual(mesh.neighbours.mostTopics(), TOPICS)
    mesh.subscribed("0", "t", false, 0)
    assert.notStrictEqual(mesh.subscribed("0", "topic 9", true, 0), false)
    mesh.peerDown("0", 0)
    assert.strictEqual(mesh.neighbours.of("topic 0").size, 0)
  })

  it("tells a quarter of those outside of the mesh, six at least, and nobody whom it does not trust", () => {
    const { mesh, scores } = crowded(60)
    mesh.join("t", 0)
    const told = mesh.listeners("t", 0)
    assert.strictEqual(told.length, Math.ceil((60 - DEGREE) / 4))
    for (const peer of told) assert.isFalse(mesh.members("t").has(peer))
    for (let n = 0; n < 60; n++) for (let m = 0; m < 2; m++) scores.sentInvalid(`${n}`, 0)
    assert.deepStrictEqual(mesh.listeners("t", 0), [])
  })
})

describe("a network of meshes", () => {
  it("comes to an agreement: all are within bounds, and each has in its mesh whoever has it", () => {
    const size = 40
    const nodes = Array.from({ length: size }, (_, n) => makeMesh(n))
    const pick = pickOf(77)
    const queue: Array<{ from: number; action: Action }> = []
    const emit = (from: number, actions: ReadonlyArray<Action> | false) => {
      for (const action of actions || []) queue.push({ from, action })
    }
    let now = 0
    const settle = () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { action, from } = next
        const at = nodes[Number(action.peer)]!.mesh
        const to = Number(action.peer)
        if (action._tag === "Announce") emit(to, at.subscribed(`${from}`, action.topic, action.on, now))
        else if (action._tag === "Graft") emit(to, at.grafted(`${from}`, action.topic, now))
        else emit(to, at.pruned(`${from}`, action.topic, action.backoff, now))
      }
    }
    for (let a = 0; a < size; a++) {
      for (const b of sample(
        [...Array(size).keys()].filter((b) => b > a),
        10,
        pick
      )) {
        nodes[a]!.scores.enter(`${b}`, undefined)
        nodes[b]!.scores.enter(`${a}`, undefined)
        emit(a, nodes[a]!.mesh.peerUp(`${b}`, true))
        emit(b, nodes[b]!.mesh.peerUp(`${a}`, false))
      }
    }
    nodes.forEach(({ mesh }, n) => {
      emit(n, mesh.join("t", now))
      settle()
    })
    for (let beat = 0; beat < 10; beat++) {
      now += 1_000
      nodes.forEach(({ mesh }, n) => {
        emit(n, mesh.heartbeat(now))
        settle()
      })
    }
    nodes.forEach(({ mesh, scores }, n) => {
      assert.isAtLeast(mesh.members("t").size, DEGREE_LOW, `node ${n}`)
      assert.isAtMost(mesh.members("t").size, DEGREE_HIGH, `node ${n}`)
      for (const peer of mesh.members("t")) {
        assert.isTrue(nodes[Number(peer)]!.mesh.members("t").has(`${n}`), `${n} and ${peer}`)
      }
      // Nobody who keeps the protocol is charged by another.
      for (const peer of mesh.neighbours.keys()) assert.isAtLeast(scores.of(peer, now), 0)
    })
  })
})

const Peer = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 29 }))
const TopicOf = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))
const Command = Schema.Struct({
  _tag: Schema.Literals([
    "up",
    "up",
    "up",
    "down",
    "on",
    "on",
    "on",
    "on",
    "off",
    "join",
    "leave",
    "graft",
    "graft",
    "prune",
    "beat",
    "beat",
    "beat",
    "beat",
    "invalid",
    "invalid",
    "misbehaved",
    "first",
    "publish"
  ]),
  peer: Peer,
  topic: TopicOf,
  pass: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_000 })),
  backoff: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200 }))
})

/** A network that stands, so that there is something to spoil. */
const beginning: ReadonlyArray<typeof Command.Type> = Array.from({ length: 30 }, (_, peer) =>
  (["up", "on", "join"] as const).map((_tag) => ({ _tag, peer, topic: peer % 2, pass: 10, backoff: 0 }))
).flat()

describe("whatever strangers do", () => {
  it.prop(
    "a mesh keeps its bounds, its back-offs and its word",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 150, maxLength: 400 }), Peer],
    ([commands, seed]) => {
      const { mesh, scores } = makeMesh(seed)
      const joined = new Map<string, Set<string>>() // by peer
      const own = new Set<string>()
      const backoffs = new Map<string, number>()
      let now = 0
      const backOff = (peer: string, topic: string, millis: number) => {
        const key = `${topic} ${peer}`
        backoffs.set(key, Math.max(backoffs.get(key) ?? 0, now + millis))
      }
      const eligible = (topic: string) =>
        [...joined].filter(
          ([peer, topics]) =>
            topics.has(topic) &&
            scores.of(peer, now) >= 0 &&
            (mesh.members(topic).has(peer) || now - SLACK >= (backoffs.get(`${topic} ${peer}`) ?? -SLACK))
        ).length
      for (const { _tag, backoff, pass, peer: n, topic: m } of [...beginning, ...commands]) {
        now += pass
        const [peer, topic] = [`p${n}`, `t${m}`]
        const isUp = joined.has(peer)
        let actions: ReadonlyArray<Action> | false = []
        if (_tag === "up" && !isUp) {
          scores.enter(peer, undefined)
          joined.set(peer, new Set())
          actions = mesh.peerUp(peer, n % 3 === 0)
        } else if (_tag === "down" && isUp) {
          joined.delete(peer)
          actions = mesh.peerDown(peer, now)
          scores.leave(peer, now)
        } else if (_tag === "on" && isUp) {
          actions = mesh.subscribed(peer, topic, true, now)
          if (actions !== false) joined.get(peer)!.add(topic)
          assert.strictEqual(actions === false, !joined.get(peer)!.has(topic) && joined.get(peer)!.size >= TOPICS)
        } else if (_tag === "off" && isUp) {
          joined.get(peer)!.delete(topic)
          actions = mesh.subscribed(peer, topic, false, now)
        } else if (_tag === "join" && own.size < TOPICS) {
          own.add(topic)
          actions = mesh.join(topic, now)
        } else if (_tag === "leave" && own.has(topic)) {
          own.delete(topic)
          actions = mesh.leave(topic, now)
        } else if (_tag === "graft" && isUp) actions = mesh.grafted(peer, topic, now)
        else if (_tag === "prune" && isUp) {
          actions = mesh.pruned(peer, topic, backoff, now)
          if (own.has(topic)) backOff(peer, topic, backoff * 1000)
        } else if (_tag === "beat") actions = mesh.heartbeat(now)
        else if (_tag === "invalid") scores.sentInvalid(peer, now)
        else if (_tag === "misbehaved") scores.misbehaved(peer, now)
        else if (_tag === "first") scores.broughtFirst(peer, topic, now)
        else if (_tag === "publish") {
          for (const target of mesh.targets(topic, now)) assert.isTrue(joined.get(target)?.has(topic))
        }
        for (const action of actions || []) {
          if (action._tag === "Graft") {
            assert.isTrue(own.has(action.topic) && joined.get(action.peer)?.has(action.topic), "a stranger is grafted")
            const until = backoffs.get(`${action.topic} ${action.peer}`) ?? 0
            assert.isAtLeast(now, until, "grafted during a back-off")
          } else if (action._tag === "Prune") {
            assert.isTrue(joined.has(action.peer))
            backOff(action.peer, action.topic, action.backoff * 1000)
          }
        }
        for (const name of own) {
          const members = mesh.members(name)
          assert.isAtMost(members.size, DEGREE_HIGH + DEGREE_DIALLED)
          for (const member of members) assert.isTrue(joined.get(member)?.has(name), "a member that has not joined")
          if (_tag !== "beat") continue
          assert.isAtMost(members.size, DEGREE_HIGH)
          assert.isAtLeast(members.size, Math.min(DEGREE_LOW, eligible(name)))
          for (const member of members) assert.isAtLeast(scores.of(member, now), 0)
        }
        assert.strictEqual(mesh.neighbours.size, joined.size)
        assert.isAtMost(mesh.neighbours.mostTopics(), TOPICS)
        assert.isAtMost(mesh.fanOuts, TOPICS)
      }
      // Nothing is left of who has left.
      for (const peer of [...joined.keys()]) {
        mesh.peerDown(peer, now)
        scores.leave(peer, now)
      }
      for (let m = 0; m < 5; m++) assert.strictEqual(mesh.neighbours.of(`t${m}`).size + mesh.members(`t${m}`).size, 0)
      mesh.heartbeat(now + 7_200_000)
      assert.deepStrictEqual([mesh.backoffs, mesh.fanOuts, scores.size], [0, 0, 0])
    },
    { arbitrary: { runs: 60 } }
  )
})

describe("tended", () => {
  const names = (count: number, prefix = "") => Array.from({ length: count }, (_, n) => `${prefix}${n}`)
  const view = {
    scoreOf: () => 0,
    isDialled: () => false,
    pick: pickOf(3),
    looksForBetter: false,
    wanted: () => names(20, "w")
  }

  it("leaves a mesh alone that is as it should be", () => {
    for (let size = DEGREE_LOW; size <= DEGREE_HIGH; size++) {
      const members = new Set(names(size))
      assert.deepStrictEqual(tended({ ...view, members }), members)
    }
  })

  it("of a thick mesh the four best stay, two of its own, and six in all", () => {
    const members = new Set(names(30))
    const best = new Set(["3", "7", "11", "15"])
    const own = new Set(["20", "21", "22"])
    const stays = tended({
      ...view,
      members,
      scoreOf: (peer) => (best.has(peer) ? 5 : 1),
      isDialled: (peer) => own.has(peer)
    })
    assert.strictEqual(stays.size, DEGREE)
    for (const peer of best) assert.isTrue(stays.has(peer))
    assert.strictEqual([...stays].filter((peer) => own.has(peer)).length, 2)
  })
})
