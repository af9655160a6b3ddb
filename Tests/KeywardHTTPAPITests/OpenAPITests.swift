import FoundationEssentials
import KeywardHTTPAPI
import KeywardModel
import NIOCore
import Testing
import Yams

/// `schema/openapi.yaml` against the table of routes and the wire types: neither can drift.
@Suite("schema/openapi.yaml")
struct OpenAPITests {
  private typealias Object = [String: Any]

  private let document: Object

  init() throws {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let text = try String(contentsOfFile: "/\(root)/schema/openapi.yaml", encoding: .utf8)
    document = try #require(try Yams.load(yaml: text) as? Object)
  }

  private func operation(_ route: Route) throws -> Object {
    let paths = try #require(document["paths"] as? Object)
    let path = try #require(paths[route.pattern] as? Object)
    return try #require(path[route.method.rawValue.lowercased()] as? Object)
  }

  @Test("It has the routes of the table and no others")
  func routes() throws {
    let paths = try #require(document["paths"] as? Object)
    var documented: Set<String> = []
    for (path, item) in paths {
      for method in try #require(item as? Object).keys {
        documented.insert("\(method.uppercased()) \(path)")
      }
    }
    #expect(documented == Set(RouteTable.all.map(\.name)))
    #expect(RouteTable.all.count == documented.count)
  }

  @Test("Each route has the table's parameters", arguments: RouteTable.all.indices)
  func parameters(index: Int) throws {
    let route = RouteTable.all[index]
    let listed = try operation(route)["parameters"] as? [Object] ?? []
    let query = listed.compactMap { item -> Route.Parameter? in
      guard let name = item["name"] as? String else { return nil }
      return Route.Parameter(name, isRequired: item["required"] as? Bool ?? false)
    }
    #expect(query == route.parameters)
    let hasName = listed.contains { $0["$ref"] as? String == "#/components/parameters/name" }
    #expect(hasName == route.pattern.contains("{name}"))
    let hasKey = listed.contains { $0["$ref"] as? String == "#/components/parameters/repeat" }
    #expect(hasKey == route.isRepeatable)
  }

  @Test(
    "Each route has the table's body, limit, deadline and operation",
    arguments: RouteTable.all.indices
  )
  func bodies(index: Int) throws {
    let route = RouteTable.all[index]
    let operation = try operation(route)
    let body = operation["requestBody"] as? Object
    let type = (body?["content"] as? Object)?.keys.first
    switch route.body {
    case .none: #expect(body == nil)
    case .json: #expect(type == "application/json")
    case .octets: #expect(type == "application/octet-stream")
    }
    #expect(body?["x-keyward-body-limit"] as? Int ?? 0 == route.bodyLimit)
    let deadline = try #require(operation["x-keyward-deadline-seconds"] as? Int)
    #expect(TimeAmount.seconds(Int64(deadline)) == route.deadline)
    #expect(operation["x-keyward-operation"] as? String == route.operation?.rawValue)
    #expect(operation["security"] as? [[String: [String]]] == Self.security(of: route))
    let isAdminOnly = operation["x-keyward-admin-socket-only"] as? Bool ?? false
    #expect(isAdminOnly == (route.exposure == .adminSocket))
  }

  @Test("Each route has the table's answer", arguments: RouteTable.all.indices)
  func answers(index: Int) throws {
    let route = RouteTable.all[index]
    let responses = try #require(try operation(route)["responses"] as? Object)
    let success = try #require(responses["\(route.success)"] as? Object)
    let type = (success["content"] as? Object)?.keys.first
    switch route.response {
    case .text: #expect(type == "text/plain")
    case .json: #expect(type == "application/json")
    case .octets, .secret, .stream: #expect(type == "application/octet-stream")
    }
    #expect((success["x-keyward-secret"] != nil) == (route.response == .secret))
    #expect(responses["default"] != nil)
  }

  /// The `security` of an operation; nil where the document's own holds.
  private static func security(of route: Route) -> [[String: [String]]]? {
    switch route.authentication {
    case .credential: nil
    case .peer: [["unixPeer": []]]
    case .none: route.knowsCallers ? [[:], ["unixPeer": []], ["bearer": []]] : []
    }
  }

  @Test(
    "The only routes without authentication are version, health, unseal with its progress, and login"
  )
  func authentication() {
    let open = RouteTable.all.filter { $0.authentication == .none }.map(\.name)
    #expect(
      open == [
        "GET /livez", "GET /readyz", "GET /api/v1/version", "GET /api/v1/status",
        "POST /api/v1/operator/unseal", "POST /api/v1/auth/login",
      ]
    )
    #expect(RouteTable.all.allSatisfy { $0.operation != nil || $0.authentication == .none })
  }

  @Test("No parameter or field is a path of a file, and none is a nonce")
  func noPathsNorNonces() {
    let names =
      RouteTable.all.flatMap { $0.parameters.map(\.name) } + CreateKeyRequest.fieldNames
      + UpdateKeyRequest.fieldNames
    for forbidden in ["path", "file", "dir", "url", "nonce", "iv"] {
      #expect(!names.contains { $0.contains(forbidden) && $0 != "derive" })
    }
  }

  @Test("The error codes are those of the code")
  func codes() throws {
    let schemas = try #require((document["components"] as? Object)?["schemas"] as? Object)
    let problem = try #require((schemas["Problem"] as? Object)?["properties"] as? Object)
    let codes = try #require((problem["code"] as? Object)?["enum"] as? [String])
    #expect(Set(codes) == Set(ErrorCode.allCases.map(\.rawValue)))
  }

  @Test("The schemas of requests have the fields of the types")
  func requestFields() throws {
    let schemas = try #require((document["components"] as? Object)?["schemas"] as? Object)
    for (name, fields) in [
      ("CreateKeyRequest", CreateKeyRequest.fieldNames),
      ("UpdateKeyRequest", UpdateKeyRequest.fieldNames),
      ("WrappingKeyRequest", WrappingKeyRequest.fieldNames),
      ("DestinationDocument", DestinationDocument.fieldNames),
      ("PrepareExportRequest", PrepareExportRequest.fieldNames),
      ("CompleteExportRequest", CompleteExportRequest.fieldNames),
      ("RenewExportRequest", RenewExportRequest.fieldNames),
    ] {
      let schema = try #require(schemas[name] as? Object)
      let properties = try #require(schema["properties"] as? Object)
      #expect(Set(properties.keys) == Set(fields))
      #expect(schema["additionalProperties"] as? Bool == false)
    }
  }

  @Test("The schemas of answers have the fields of the types")
  func answerFields() throws {
    let schemas = try #require((document["components"] as? Object)?["schemas"] as? Object)
    let status = SealStatus(
      initialized: true,
      sealed: true,
      seal: "shamir",
      shares: 5,
      threshold: 3,
      progress: 1,
      reason: "why",
      storeID: "00",
      version: "1",
      startedAt: "",
      rekeyPending: true,
      keyringTerm: 1,
      rewrapPending: 0,
      keys: 1,
      auditSize: 1
    )
    let checkpoint = CheckpointInfo(size: 1, rootHash: "", note: "", verifierKey: "")
    let entry = AuditEntryInfo(
      index: 0,
      time: "",
      principal: "",
      transport: "",
      operation: "",
      resource: "",
      outcome: "",
      requestID: "",
      encoded: "",
      leafHash: ""
    )
    let proof = ProofInfo(
      index: 1,
      leafHash: "",
      from: 1,
      size: 1,
      rootHash: "",
      hashes: [],
      checkpoint: checkpoint
    )
    let finding = FsckReport.Finding(severity: .error, table: "", row: "", problem: "")
    let error = ServiceError(
      .approvalRequired,
      "",
      remedy: "",
      approval: ApprovalID(random: [UInt8](repeating: 0, count: 16)),
      reason: ""
    )
    let samples: [(String, any Encodable)] = [
      ("SealStatus", status), ("CheckpointInfo", checkpoint), ("AuditEntryInfo", entry),
      ("ProofInfo", proof), ("AuditPage", AuditPage(entries: [], size: 0, next: 0)),
      ("FsckReport", FsckReport(authenticated: true, checked: [:], findings: [finding])),
      ("KeyringRotation", KeyringRotation(keyringTerm: 1, rewrapPending: 0)),
      ("VerificationResult", VerificationResult(valid: true, version: 1)),
      ("KeyPage", KeyPage(keys: [], nextCursor: "")),
      ("VersionInfo", VersionInfo(version: "1")),
      ("Problem", ProblemDocument(error, requestID: "")),
      ("KeyInfo", try Self.fullKey()),
      ("KeyVersionInfo", try #require(try Self.fullKey().versions?.first)),
    ]
    for (name, sample) in samples {
      let properties = try #require((schemas[name] as? Object)?["properties"] as? Object)
      let json = String(decoding: try JSONEncoder().encode(sample), as: UTF8.self)
      let encoded = try #require(try Yams.load(yaml: json) as? Object)
      #expect(Set(encoded.keys) == Set(properties.keys), "\(name)")
    }
  }

  /// A key with no field left out.
  private static func fullKey() throws -> KeyInfo {
    let time = Timestamp(milliseconds: 0)
    let version = KeyVersion(
      number: 1,
      kmsKeyID: try #require(KMSKeyID(random: [UInt8](repeating: 0, count: 16))),
      state: .active,
      origin: .generated,
      createdAt: time,
      activatedAt: time,
      deactivatedAt: time,
      destroyAt: nil,
      destroyedAt: time,
      checkValue: [1],
      publicKey: [1],
      material: []
    )
    var waiting = version
    waiting.destroyAt = time
    let key = Key(
      id: try #require(KeyID([UInt8](repeating: 0, count: 16))),
      name: try KeyName("a"),
      type: .ed25519,
      attributes: KeyAttributes(
        operations: [.sign],
        allowedDestinations: ["aws"],
        rotationPeriod: 3600
      ),
      createdAt: time,
      deletedAt: time,
      versions: [waiting, version]
    )
    return KeyInfo(key)
  }
}
