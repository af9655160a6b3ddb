import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting

/// Every way to use a key through the service.
enum KeyUse: String, CaseIterable {
  case agree
  case decrypt
  case derive
  case encrypt
  case mac
  case macVerify = "mac-verify"
  case rewrap
  case sign
  case unwrap
  case verify
  case wrap

  /// The operation as the audit log names it.
  var auditName: String { "key:" + rawValue }

  /// What the uses that process need, made by the key itself.
  struct Artefacts {
    var ciphertext: [UInt8] = []
    var wrapped: [UInt8] = []
    var signature: [UInt8] = []
    var tag: [UInt8] = []
    var peer: [UInt8] = []
  }

  static let message = Array("a message of a test".utf8)
  static let material = [UInt8](repeating: 0x5a, count: 32)

  /// Makes with `name` all that its type can make.
  static func artefacts(
    _ server: TestServer,
    _ name: KeyName,
    _ type: KeyType
  ) async throws -> Artefacts {
    let can = type.possibleOperations
    let request = CryptoRequest()
    var made = Artefacts()
    let service = try server.service
    if can.contains(.encrypt) {
      made.ciphertext = try await service.encrypt(
        .officer,
        name: name,
        request,
        plaintext: .of(message)
      ).value
    }
    if can.contains(.wrap) {
      made.wrapped =
        try await service.wrap(.officer, name: name, request, material: .of(material)).value
    }
    if can.contains(.sign) {
      made.signature =
        try await service.sign(.officer, name: name, request, message: .of(message)).value
    }
    if can.contains(.mac) {
      made.tag = try await service.mac(.officer, name: name, request, message: .of(message)).value
    }
    if can.contains(.agree) { made.peer = try KeyFixtures.peer(type) }
    return made
  }

  /// Does it, and checks that what comes out is right; returns the version that did it.
  func perform(
    _ server: TestServer,
    as caller: Caller = .officer,
    _ name: KeyName,
    version: Int?,
    _ made: Artefacts
  ) async throws -> Int {
    let service = try server.service
    var request = CryptoRequest(version: version)
    switch self {
    case .agree:
      let answer = try await service.agree(caller, name: name, request, peer: made.peer)
      try Wrong.unless(answer.value.bytes.count >= 32)
      return answer.version
    case .decrypt:
      let answer = try await service.decrypt(
        caller,
        name: name,
        request,
        ciphertext: made.ciphertext
      )
      try Wrong.unless(answer.value.plain == Self.message)
      return answer.version
    case .derive:
      let answer = try await service.derive(caller, name: name, request, info: Self.message)
      try Wrong.unless(answer.value.bytes.count == 32)
      return answer.version
    case .encrypt:
      return try await service.encrypt(
        caller,
        name: name,
        request,
        plaintext: .of(Self.message)
      ).version
    case .mac:
      return try await service.mac(caller, name: name, request, message: .of(Self.message)).version
    case .macVerify:
      request.signature = made.tag
      let answer = try await service.macVerify(
        caller,
        name: name,
        request,
        message: .of(Self.message)
      )
      try Wrong.unless(answer.valid)
      return answer.version
    case .rewrap:
      return try await service.rewrap(
        caller,
        name: name,
        request,
        ciphertext: made.ciphertext
      ).version
    case .sign:
      return try await service.sign(caller, name: name, request, message: .of(Self.message)).version
    case .unwrap:
      let answer = try await service.unwrap(caller, name: name, request, wrapped: made.wrapped)
      try Wrong.unless(answer.value.plain == Self.material)
      return answer.version
    case .verify:
      request.signature = made.signature
      let answer = try await service.verify(
        caller,
        name: name,
        request,
        message: .of(Self.message)
      )
      try Wrong.unless(answer.valid)
      return answer.version
    case .wrap:
      return try await service.wrap(
        caller,
        name: name,
        request,
        material: .of(Self.material)
      ).version
    }
  }
}

/// An operation answered, and the answer is wrong.
struct Wrong: Error {
  static func unless(_ isRight: Bool) throws {
    if !isRight { throw Wrong() }
  }
}
