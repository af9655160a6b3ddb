import Foundation
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// An issuer of JWTs with a key of its own on P-256.
struct TestIssuer {
  static let audience = "https://keyward.test"

  let url: String
  let kid: String
  private let key: PrivateKey

  init(_ url: String = "https://kubernetes.test/", kid: String = "k1") throws {
    self.url = url
    self.kid = kid
    key = try PrivateKey.generate(.p256)
  }

  private var keySet: String {
    get throws {
      // The point of a P-256 SubjectPublicKeyInfo is its end.
      let point = try Array(key.publicKey().spki().suffix(64))
      let (x, y) = (Base64.encodeURL(Array(point[..<32])), Base64.encodeURL(Array(point[32...])))
      return """
        {"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"\(kid)",\
        "x":"\(x)","y":"\(y)"}]}
        """
    }
  }

  func document(
    name: String? = nil,
    preset: String = "kubernetes",
    singleUse: Bool? = nil
  ) throws -> IssuerDocument {
    IssuerDocument(
      name: name,
      preset: preset,
      url: url,
      audiences: [Self.audience],
      keySet: try keySet,
      singleUse: singleUse
    )
  }

  /// A token of a service account, made at `now`, for ten minutes.
  func token(
    _ account: String = "kms",
    now: Timestamp,
    id: String = UUID().uuidString
  ) throws -> String {
    let seconds = now.milliseconds / 1000
    let header = #"{"alg":"ES256","kid":"\#(kid)","typ":"JWT"}"#
    let claims = """
      {"iss":"\(url)","aud":["\(Self.audience)"],"iat":\(seconds),"nbf":\(seconds),\
      "exp":\(seconds + 600),"jti":"\(id)","sub":"system:serviceaccount:apps:\(account)",\
      "kubernetes.io":{"namespace":"apps","serviceaccount":{"name":"\(account)","uid":"u"}}}
      """
    let input =
      Base64.encodeURL(Array(header.utf8)) + "." + Base64.encodeURL(Array(claims.utf8))
    let signature = try key.sign(.ecdsa(.sha256, encoding: .p1363), Array(input.utf8))
    return input + "." + Base64.encodeURL(signature)
  }
}

extension Caller {
  /// The caller with a digest, so that approvals can be bound to its request, and with an approval.
  func asking(_ body: String, _ approval: ApprovalID? = nil) -> Caller {
    Caller(
      principal: principal,
      transport: transport,
      requestID: requestID,
      source: source,
      accessor: accessor,
      digest: RequestDigest(Digest.sha256(Array(body.utf8))),
      approval: approval
    )
  }

  /// Somebody with a token of this name.
  static func named(_ name: String, source: String? = nil) -> Caller {
    Caller(
      principal: Principal(kind: .token, name: name),
      transport: .https,
      requestID: "00000000000000cc",
      source: source.flatMap { NetworkAddress($0) }
    )
  }
}

extension TestServer {
  static let peer = Peer.network(NetworkAddress("192.0.2.7") ?? .any, certificates: [])

  /// Applies documents of policy, as the officer.
  @discardableResult
  func apply(_ text: String, prune: Bool = false, dryRun: Bool = false) async throws -> PolicyPlan {
    try await service.applyPolicy(
      .officer,
      PolicyApplyRequest(
        files: [PolicyFile(name: "test.yaml", text: text)],
        prune: prune,
        dryRun: dryRun
      )
    )
  }

  /// Binds the service account of test issuers, so that its logins are taken.
  func bindServiceAccount() async throws {
    try await apply(
      """
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: accounts}
      spec:
        role: key-user
        subjects:
          - {issuer: kubernetes, cluster: "*", name: "system:serviceaccount:apps:kms"}
          - {issuer: ci, name: "system:serviceaccount:apps:kms"}
      """
    )
  }

  private static let arrival = KeywardService.Arrival(
    transport: .https,
    requestID: "00000000000000dd",
    operation: .selfRead,
    digest: RequestDigest([UInt8](repeating: 7, count: 32))
  )

  /// Who a bearer token is, as a request with it would be; throws when it is not taken.
  ///
  /// Whoever is known at once is the same caller; whoever is refused is not known at once.
  func known(_ bearer: String, peer: Peer = peer) async throws -> Caller {
    let atOnce = try knownAtOnce(bearer, peer: peer)
    do {
      let caller = try await service.authenticate(
        PresentedCredentials(peer: peer, bearer: BearerCredential(bearer)),
        Self.arrival
      )
      if let atOnce {
        #expect(atOnce.principal == caller.principal)
        #expect(atOnce.accessor == caller.accessor)
        #expect(atOnce.source == caller.source)
        #expect(atOnce.approval == caller.approval)
        #expect(atOnce.digest == caller.digest)
      }
      return caller
    } catch {
      #expect(atOnce == nil)
      throw error
    }
  }

  /// Who a bearer token is, as far as that can be said without waiting.
  func knownAtOnce(_ bearer: String, peer: Peer = peer) throws -> Caller? {
    try service.callerAtOnce(
      PresentedCredentials(peer: peer, bearer: BearerCredential(bearer)),
      Self.arrival
    )
  }

  /// A login; nobody is known before it.
  func login(_ request: LoginRequest, peer: Peer = peer) async throws -> IssuedToken {
    try await service.login(
      Caller(
        principal: .anonymous,
        transport: .https,
        requestID: "00000000000000ee",
        source: peer.source
      ),
      request,
      peer: peer
    )
  }

  /// Registers an issuer as the only one of a cluster.
  func register(_ cluster: RegistryName, _ issuer: TestIssuer) async throws {
    _ = try await service.writeCluster(
      .officer,
      cluster,
      ClusterDocument(issuers: [try issuer.document(name: "kubernetes")])
    )
  }
}

extension NetworkAddress {
  /// Stands in for an address that the test spelled wrong.
  fileprivate static var any: NetworkAddress { preconditionFailure("not an address") }
}

extension RegistryName: ExpressibleByStringLiteral {
  /// A name that the test is sure of.
  package init(stringLiteral text: String) {
    guard let name = RegistryName(text) else { preconditionFailure("\(text) is no name") }
    self = name
  }
}
