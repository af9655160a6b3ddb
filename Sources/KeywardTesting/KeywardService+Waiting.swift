package import KeywardCrypto
package import KeywardModel
package import KeywardService

/// The use cases that reply, in the form that waits.
extension KeywardService {
  package func encrypt(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    plaintext: SecretBox
  ) async throws(ServiceError) -> KeyAnswer<[UInt8]> {
    try await awaiting { encrypt(caller, name: name, request, plaintext: plaintext, reply: $0) }
  }

  package func decrypt(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    ciphertext: [UInt8]
  ) async throws(ServiceError) -> KeyAnswer<SecretBox> {
    try await awaiting { decrypt(caller, name: name, request, ciphertext: ciphertext, reply: $0) }
  }

  package func mac(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    message: SecretBox
  ) async throws(ServiceError) -> KeyAnswer<[UInt8]> {
    try await awaiting { mac(caller, name: name, request, message: message, reply: $0) }
  }

  package func macVerify(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    message: SecretBox
  ) async throws(ServiceError) -> VerificationResult {
    try await awaiting { macVerify(caller, name: name, request, message: message, reply: $0) }
  }

  package func decide(
    _ caller: Caller,
    _ request: DecisionRequest,
    explaining: Bool
  ) async throws(ServiceError) -> DecisionAnswer {
    try await awaiting { decide(caller, request, explaining: explaining, reply: $0) }
  }
}
