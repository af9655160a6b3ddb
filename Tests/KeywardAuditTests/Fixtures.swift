import KeywardAudit
import KeywardCrypto

/// A small random generator with a seed, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Events as a server makes them, different in every field.
enum Fixtures {
  static func event(_ number: Int, using random: inout SeededGenerator) -> AuditEvent {
    let key = AuditKey(
      id: "k\(number % 7)",
      version: UInt64(number / 1000 + 1),
      hash: number.isMultiple(of: 3) ? KeyIDHash(keyID: "id-\(number % 5)") : nil
    )
    return AuditEvent(
      time: 1_763_900_000_000 + UInt64(number) * 17,
      request: "r-\(random.next())",
      principal: principals[number % principals.count],
      source: number.isMultiple(of: 4) ? .admin : .kms,
      address: number.isMultiple(of: 7) ? "2001:db8::1" : nil,
      token: number.isMultiple(of: 8) ? "acc-\(random.next())" : nil,
      approval: number.isMultiple(of: 13) ? "apr-\(number)" : nil,
      operation: number.isMultiple(of: 2) ? "key:encrypt" : "key:decrypt",
      resource: "keys/etcd/prod-\(number % 11)",
      key: number.isMultiple(of: 5) ? nil : key,
      kmsUID: number.isMultiple(of: 4) ? nil : "uid-\(random.next() % 1000)",
      outcome: AuditOutcome.allCases[number % AuditOutcome.allCases.count],
      reason: number.isMultiple(of: 9) ? "key.disabled" : "policy.allow",
      rule: number.isMultiple(of: 6) ? nil : "role/etcd-encrypter#0",
      details: number.isMultiple(of: 10) ? [details[number / 10 % details.count]] : []
    )
  }

  static func events(_ count: Int, seed: UInt64) -> [AuditEvent] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { event($0, using: &random) }
  }

  static let principals = [
    AuditPrincipal(kind: .unixPeer, name: "kube-apiserver", uid: 0, pid: 4711),
    AuditPrincipal(kind: .token, name: "ci/payments"),
    AuditPrincipal(kind: .server, name: "server"),
    AuditPrincipal(kind: .serviceAccount, name: "system:serviceaccount:a:b"),
    AuditPrincipal(
      kind: .oidc,
      name: "repo:acme/app:ref:refs/heads/main",
      issuer: "github",
      cluster: "prod-eu",
      environment: "production",
      claims: ["ref": "refs/heads/main", "repository": "acme/app", "a b": "\u{1f600}"]
    ),
    AuditPrincipal(kind: .certificate, name: "spiffe://td/ns/x/sa/y", issuer: "node-ca"),
  ]

  /// One detail of each kind.
  static let details: [AuditDetail] = [
    .state(from: .active, to: .deactivated),
    .state(from: nil, to: .preActive),
    .seal(.systemdCredential),
    .share(index: 3),
    .shares(set: AuditWord("0123456789abcdef"), indices: AuditIndices([1, 2, 255])),
    .approvalRule(AuditWord("policy-by-two")),
    .quorum(threshold: 3, total: 5),
    .count(12),
    .size(32_769),
    .versions(from: 1, to: 2),
    .term(4),
    .dropped(17),
    .entries(from: 100, to: 200),
    .due(1_763_900_000_123), .opened(1_763_900_000_124),
    .bundle(AuditDigest([UInt8](repeating: 9, count: 32)), .broken),
    .counters(anchor: 9, database: 8),
    .attribute(.deletionProtected),
    .export(AuditWord("exp-abcdefghijklmnopqrstuvwxyz")),
    .destination(AuditWord("aws-prod")),
    .wrapping(
      algorithm: AuditWord("RSA_AES_KEY_WRAP_SHA_256"),
      key: AuditDigest([UInt8](repeating: 7, count: 32))
    ),
    .blob(AuditDigest([UInt8](repeating: 8, count: 32))),
    .copy(key: AuditName("arn:aws:kms:eu-west-1:1:key/\"x%"), material: nil),
    .copy(key: AuditName("projects/p"), material: AuditName("0123")),
    .exportState(AuditWord("delivered")),
  ]

  static func signer(_ name: String = "keyward.example/audit") throws -> NoteSigner {
    try NoteSigner(name: name, privateKey: PrivateKey.generate(.ed25519))
  }
}
