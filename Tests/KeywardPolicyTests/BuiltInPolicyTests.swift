import KeywardModel
import KeywardPolicy
import Testing

/// The whole table of principal, operation and resource, against an expectation spelled out by hand.
@Suite
struct BuiltInPolicyTests {
  /// One principal and what it may do, written as a list of operation and resource.
  struct Row: CustomTestStringConvertible, Sendable {
    let name: String
    let principal: Principal
    /// The role that allows, and the operations by resource; `*` is every operation and resource.
    let role: String
    let allowed: [String: Set<String>]

    var testDescription: String { name }
  }

  private static let everything = "*"
  private static let serverOperations: Set<String> = [
    "export:record", "key:create", "key:destroy", "key:rotate", "operator:rotate",
    "operator:unseal",
    "server:expire", "server:recover", "server:start", "server:stop",
  ]

  static let rows: [Row] = [
    Row(
      name: "officer",
      principal: Principal(kind: .unixPeer, name: "uid:1000", uid: 1000, pid: 7),
      role: "security-officer",
      allowed: [everything: [everything]]
    ),
    Row(
      name: "second officer",
      principal: Principal(kind: .unixPeer, name: "uid:0", uid: 0),
      role: "security-officer",
      allowed: [everything: [everything]]
    ),
    Row(
      name: "other uid",
      principal: Principal(kind: .unixPeer, name: "uid:1001", uid: 1001),
      role: "",
      allowed: [:]
    ),
    Row(
      name: "other uid with an officer's name",
      principal: Principal(kind: .unixPeer, name: "uid:1000", uid: 1001),
      role: "",
      allowed: [:]
    ),
    Row(
      name: "peer without uid",
      principal: Principal(kind: .unixPeer, name: "uid:0"),
      role: "",
      allowed: [:]
    ),
    Row(
      name: "KMS socket",
      principal: Principal(kind: .kmsSocket, name: "etcd/prod-eu", uid: 0),
      role: "kms-plugin",
      allowed: ["keys/etcd/prod-eu": ["key:encrypt", "key:decrypt"]]
    ),
    Row(
      name: "KMS socket of another key, with an officer's uid",
      principal: Principal(kind: .kmsSocket, name: "etcd/prod", uid: 1000),
      role: "kms-plugin",
      allowed: ["keys/etcd/prod": ["key:encrypt", "key:decrypt"]]
    ),
    Row(
      name: "KMS socket without a key",
      principal: Principal(kind: .kmsSocket, name: "", uid: 0),
      role: "",
      allowed: [:]
    ),
    Row(
      name: "KMS socket that is called like the server",
      principal: Principal(kind: .kmsSocket, name: "server"),
      role: "kms-plugin",
      allowed: ["keys/server": ["key:encrypt", "key:decrypt"]]
    ),
    Row(
      name: "server",
      principal: .server,
      role: "server",
      allowed: [everything: serverOperations]
    ),
  ]

  private static let policy = CompiledPolicy.builtIn(officerUIDs: [0, 1000])

  static func resources() throws -> [Resource] {
    let names = [
      "etcd/prod-eu", "etcd/prod", "etcd/prod-eu2", "etcd", "ETCD/prod-eu", "server", "keys",
    ]
    return try names.map { Resource.key(try KeyName($0)) } + [.keys, .audit, .system]
  }

  @Test(arguments: rows)
  func everyCellIsAsSpelledOut(_ row: Row) throws {
    for resource in try Self.resources() {
      for operation in ServiceOperation.allCases {
        let allowed =
          row.allowed[resource.description] ?? row.allowed[Self.everything] ?? []
        let expected =
          allowed.contains(operation.rawValue) || allowed.contains(Self.everything)
        let decision = Self.policy.decide(Self.request(row.principal, operation, resource))
        #expect(decision.isAllowed == expected, "\(row.name) \(operation) \(resource)")
        #expect(decision.rule == (expected ? row.role : "default-deny"))
        #expect(try authorizes(row.principal, operation, resource) == expected)
      }
    }
  }

  @Test
  func withoutOfficersNobodyIsOne() throws {
    let policy = CompiledPolicy.builtIn(officerUIDs: [])
    let root = Principal(kind: .unixPeer, name: "uid:0", uid: 0)
    for operation in ServiceOperation.allCases {
      #expect(policy.decide(Self.request(root, operation, .system)) == .defaultDeny)
    }
  }

  /// The proof of an authorization says what was asked, so that it cannot serve for another thing.
  @Test
  func anAuthorizationNamesWhatItIsFor() throws {
    let principal = Principal(kind: .kmsSocket, name: "etcd/prod-eu")
    let resource = Resource.key(try KeyName("etcd/prod-eu"))
    let authorization = try Self.policy.authorize(Self.request(principal, .keyEncrypt, resource))
    #expect(authorization.principal == principal)
    #expect(authorization.operation == .keyEncrypt)
    #expect(authorization.resource == ResourcePath(resource))
    #expect(authorization.rule == "kms-plugin")
  }

  /// Every resource has its own spelling: a key named like another resource is no other resource.
  @Test
  func resourcesAreSpelledApart() throws {
    let spelled = try Self.resources().map(\.description)
    #expect(Set(spelled).count == spelled.count)
    #expect(Resource.key(try KeyName("audit")).description != Resource.audit.description)
  }

  private static func request(
    _ principal: Principal,
    _ operation: ServiceOperation,
    _ resource: Resource
  ) -> PolicyRequest {
    PolicyRequest(
      principal: principal,
      operation: operation,
      resource: resource,
      time: Timestamp(milliseconds: 0)
    )
  }

  private func authorizes(
    _ principal: Principal,
    _ operation: ServiceOperation,
    _ resource: Resource
  ) throws -> Bool {
    do throws(Refusal) {
      _ = try Self.policy.authorize(Self.request(principal, operation, resource))
      return true
    } catch {
      #expect(error.decision == .defaultDeny)
      return false
    }
  }
}
