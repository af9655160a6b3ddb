import KeywardCrypto
import KeywardModel

/// Key material before it is wrapped: it never leaves the arena, and nothing of it is shown.
enum PrivateKeyCheck {
  static let unseen = ["whether this is the key that you mean"]

  private typealias Finding = ExportCheck.Finding

  private static let toPKCS8 = "openssl pkcs8 -topk8 -nocrypt -outform DER -in KEY -out key.der"

  /// What is wrong with the DER of a PrivateKeyInfo (RFC 5208).
  static func pkcs8(
    _ file: borrowing SecretBytes,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    switch file.withUnsafeBytes({ KeyShape.recognize($0) }) {
    case .pem(let label): return pem(file, label, hints)
    case .pkcs1: return [pkcs1] + (file.withUnsafeBytes(multiPrime).map { [$0] } ?? [])
    case .sec1: return [sec1]
    case .encrypted: return [encrypted]
    case .publicKey:
      return [
        Finding(
          .keyInvalid,
          "This is a public key, and there is nothing to wrap in it.",
          at: "byte 0",
          remedy: "Take the private key."
        )
      ]
    case .pkcs8: return inside(file, hints)
    case nil: return [text(file) ?? unknown]
    }
  }

  /// What is wrong with the bytes of a symmetric key.
  static func raw(
    _ file: borrowing SecretBytes,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    if let finding = text(file) { return [finding] }
    guard let type = hints.keyType, let lengths = type.importedByteCounts else { return [] }
    guard lengths.contains(file.count) else {
      return [
        Finding(
          .materialLength,
          "A key of type \(type.rawValue) does not have \(file.count) bytes.",
          at: "byte \(file.count)",
          remedy: "Write the bytes of the key and nothing else, without a line end."
        )
      ]
    }
    return destination(ExportSubject(type, byteCount: file.count), hints)
  }

  private static func inside(
    _ file: borrowing SecretBytes,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    if let finding = file.withUnsafeBytes(form) { return [finding] }
    let key: PrivateKey
    do throws(CryptoError) {
      key = try PrivateKey(pkcs8: file)
    } catch {
      return [
        Finding(
          ExportRefusal(error),
          remedy: "Write it again from the source: \(toPKCS8)",
          at: "byte 0"
        )
      ]
    }
    guard let type = KeyType.allCases.first(where: { $0.keyPairAlgorithm == key.algorithm }) else {
      return []
    }
    if let due = hints.keyType, due != type {
      return [
        Finding(
          .keySpecMismatch,
          "This is a key of type \(type.rawValue), not \(due.rawValue).",
          at: "privateKeyAlgorithm",
          remedy: "Take the right file, or name the right type."
        )
      ]
    }
    return destination(ExportSubject(type), hints)
  }

  /// Whether the provider takes such a key, and under this wrapping.
  private static func destination(
    _ subject: ExportSubject,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    guard let provider = hints.provider else { return [] }
    do throws(ExportRefusal) {
      let usual = try ExportRules.usual(provider, subject)
      guard let algorithm = hints.algorithm else { return [] }
      _ = try ExportRules.cell(
        provider,
        subject,
        keySpec: usual.keySpec,
        wrapping: algorithm,
        wrappingKeyBits: hints.wrappingKeyBits ?? usual.wrappingKeyBits
      )
      return []
    } catch {
      return [Finding(error, remedy: "Take another key, or another provider.")]
    }
  }

  /// The length of the whole, then the identifiers.
  private static func form(_ bytes: UnsafeRawBufferPointer) -> ExportCheck.Finding? {
    guard let outer = DERElement(bytes, at: 0), let version = DERElement(bytes, at: outer.start),
      let identifier = DERElement(bytes, at: version.end)
    else { return unknown }
    if outer.end != bytes.count {
      let difference = abs(outer.end - bytes.count)
      return Finding(
        .keyInvalid,
        outer.end > bytes.count
          ? "The file is cut: \(difference) bytes are missing."
          : "\(difference) bytes follow the key.",
        at: "byte \(min(outer.end, bytes.count))",
        remedy: "Copy the file again, as bytes and without a line end."
      )
    }
    guard let name = DERElement(bytes, at: identifier.start), name.tag == 0x06 else {
      return unknown
    }
    if name.holds([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], in: bytes) {
      return Finding(
        .keyHasPSSIdentifier,
        "The key says id-RSASSA-PSS, which providers do not take.",
        at: "byte \(name.start)",
        remedy: "Write it with the identifier rsaEncryption: openssl rsa -traditional, then "
          + "openssl pkcs8 -topk8 -nocrypt."
      )
    }
    let parameters = DERElement(bytes, at: name.end)
    if name.holds([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], in: bytes),
      let parameters, parameters.tag == 0x30
    {
      return Finding(
        .keyHasExplicitParameters,
        "The curve is written out, and not named.",
        at: "byte \(parameters.start)",
        remedy: "openssl ec -param_enc named_curve, then openssl pkcs8 -topk8 -nocrypt."
      )
    }
    if name.holds([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], in: bytes),
      let key = DERElement(bytes, at: identifier.end)
    {
      return multiPrime(UnsafeRawBufferPointer(rebasing: bytes[min(key.start, bytes.count)...]))
    }
    return nil
  }

  private static func multiPrime(_ bytes: UnsafeRawBufferPointer) -> ExportCheck.Finding? {
    guard let outer = DERElement(bytes, at: 0), let version = DERElement(bytes, at: outer.start),
      version.holds([1], in: bytes)
    else { return nil }
    return Finding(
      .keyIsMultiPrime,
      "The RSA key has more than two primes.",
      at: "RSAPrivateKey.version",
      remedy: "Providers take keys of two primes: make another."
    )
  }

  private static func pem(
    _ file: borrowing SecretBytes,
    _ label: String,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    let findings = [
      Finding(
        .keyIsPEM,
        "This is PEM, and providers take DER.",
        at: "byte 0",
        remedy: toPKCS8
      )
    ]
    switch label {
    case "PRIVATE KEY":
      guard let der = try? SecretPEM.decode("PRIVATE KEY", file) else {
        return findings + [unknown]
      }
      return findings + pkcs8(der, hints)
    case "RSA PRIVATE KEY": return findings + [pkcs1]
    case "EC PRIVATE KEY", "EC PARAMETERS": return findings + [sec1]
    case "ENCRYPTED PRIVATE KEY": return findings + [encrypted]
    default: return findings + [unknown]
    }
  }

  private static func text(_ file: borrowing SecretBytes) -> ExportCheck.Finding? {
    guard let form = file.withUnsafeBytes({ TextForm($0) }) else { return nil }
    return Finding(
      .materialIsText,
      "The material is \(form.alphabet.rawValue) text, not bytes.",
      at: "byte 0",
      remedy: form.alphabet == .hexadecimal
        ? "xxd -r -p FILE > key.bin" : "base64 -d FILE > key.bin"
    )
  }

  private static let pkcs1 = Finding(
    .keyIsPKCS1,
    "This is the form of PKCS#1, not PKCS#8.",
    at: "byte 0",
    remedy: toPKCS8
  )
  private static let sec1 = Finding(
    .keyIsSEC1,
    "This is the form of SEC 1, not PKCS#8.",
    at: "byte 0",
    remedy: toPKCS8
  )
  private static let encrypted = Finding(
    .keyIsEncrypted,
    "This key is encrypted under a password, and providers take it without.",
    at: "byte 0",
    remedy: "Decrypt it where it is wrapped: \(toPKCS8)"
  )
  private static let unknown = Finding(
    .keyInvalid,
    "This is not a private key of a known form.",
    at: "byte 0",
    remedy: "Take DER PKCS#8: \(toPKCS8)"
  )
}
