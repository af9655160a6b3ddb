package import KeywardCrypto
package import KeywardModel

extension ImportBody {
  /// OCI `ImportKeyDetails`; lengths in bytes.
  package static func oci(
    _ blob: [UInt8],
    _ cell: ExportCell,
    compartment: String,
    name: String,
    isHSM: Bool = true
  ) -> JSONText {
    .object([
      ("compartmentId", .string(compartment)), ("displayName", .string(name)),
      (
        "keyShape",
        .object([
          ("algorithm", .string(cell.keySpec)),
          ("length", .integer(Int64(ociLength(cell.subject)))),
        ])
      ),
      ("protectionMode", .string(isHSM ? "HSM" : "SOFTWARE")),
      (
        "wrappedImportKey",
        .object([
          ("keyMaterial", .string(Base64.encode(blob))),
          (
            "wrappingAlgorithm",
            .string(
              cell.wrapping.envelope == .direct ? "RSA_OAEP_SHA256" : "RSA_OAEP_AES_SHA256"
            )
          ),
        ])
      ),
    ])
  }

  private static func ociLength(_ subject: ExportSubject) -> Int {
    switch subject.type {
    case .rsa2048: 256
    case .rsa3072: 384
    case .rsa4096: 512
    default: subject.byteCount ?? 0
    }
  }

  /// The proof of possession that IBM asks for: its nonce, encrypted under the material.
  package struct IBMNonce: Sendable, Equatable {
    package let ciphertext: [UInt8]
    package let iv: [UInt8]

    /// Encrypts the nonce as the provider will check it.
    ///
    /// Key Protect: AES-GCM with 12 bytes of IV and the tag behind. HPCS: AES-CBC with PKCS #7.
    package init(
      _ nonce: [UInt8],
      under material: borrowing SecretBytes,
      _ provider: ExportProvider
    ) throws(ExportRefusal) {
      do throws(CryptoError) {
        let isCBC = provider == .hpcs
        iv = try RandomSource.bytes(isCBC ? 16 : 12)
        ciphertext =
          try isCBC
          ? AESCBC.encrypt(key: material, iv: iv, nonce)
          : AESGCMBlock.encrypt(key: material, iv: iv, nonce)
      } catch {
        throw ExportRefusal(error)
      }
    }
  }

  /// IBM `POST /api/v2/keys`, with a root key.
  package static func ibm(
    _ blob: [UInt8],
    _ wrapping: WrappingAlgorithm,
    nonce: IBMNonce,
    name: String
  ) -> JSONText {
    .object([
      (
        "metadata",
        .object([
          ("collectionType", .string("application/vnd.ibm.kms.key+json")),
          ("collectionTotal", .integer(1)),
        ])
      ),
      (
        "resources",
        .array([
          .object([
            ("name", .string(name)), ("type", .string("application/vnd.ibm.kms.key+json")),
            ("extractable", .bool(false)), ("payload", .string(Base64.encode(blob))),
            ("encryptedNonce", .string(Base64.encode(nonce.ciphertext))),
            ("iv", .string(Base64.encode(nonce.iv))),
            ("encryptionAlgorithm", .string(wrapping.rawValue)),
          ])
        ])
      ),
    ])
  }

  /// Alibaba `ImportKeyMaterial`; 0 is for ever.
  package static func alibaba(
    _ blob: [UInt8],
    keyID: String,
    token: [UInt8],
    validUntil: Timestamp?
  ) -> JSONText {
    .object([
      ("KeyId", .string(keyID)), ("EncryptedKeyMaterial", .string(Base64.encode(blob))),
      ("ImportToken", .string(Base64.encode(token))),
      ("KeyMaterialExpireUnix", .integer((validUntil?.milliseconds ?? 0) / 1000)),
    ])
  }

  /// The last second that Tencent takes.
  package static let tencentLatest = Timestamp(milliseconds: 2_147_443_200_000)

  /// Tencent `ImportKeyMaterial`; 0 is for ever.
  package static func tencent(
    _ blob: [UInt8],
    keyID: String,
    token: [UInt8],
    validUntil: Timestamp?
  ) -> JSONText {
    .object([
      ("KeyId", .string(keyID)), ("EncryptedKeyMaterial", .string(Base64.encode(blob))),
      ("ImportToken", .string(Base64.encode(token))),
      ("ValidTo", .integer((validUntil?.milliseconds ?? 0) / 1000)),
    ])
  }
}
