import KeywardCrypto
import KeywardModel

/// The files of an export, as `export check` and `export create` read them.
extension ExportFuzzTargets {
  /// What a provider answers when it is asked how to wrap; the first byte says which.
  ///
  /// What is read is written in the provider's form and read as the same, and what the check finds
  /// nothing wrong with can be read.
  static func parametersFile(_ bytes: [UInt8]) {
    guard let provider = choice(bytes.first ?? 0, of: ExportProvider.allCases) else { return }
    let file = Array(bytes.dropFirst())
    let hints = ParametersFile.Hints(
      algorithm: ProviderRules.of(provider).wrappings[0].algorithm,
      providerKeyID: "k",
      wrappingKeyID: kek
    )
    let isText = file.first == UInt8(ascii: "-")
    guard (!isText && (try? StrictJSON.object(file)) == nil) || isTurnOfRSA() else { return }
    let report = look(file, ExportCheck.Hints(kind: .parameters, provider: provider))
    let read: WrappingParameters
    do throws(ExportRefusal) {
      read = try ParametersFile.read(file, provider, hints)
    } catch {
      precondition(
        report?.isSound != true || error.place == "wrapping key",
        "a file that cannot be read is said to be right"
      )
      return
    }
    var again = hints
    again.wrappingKeyID = read.wrappingKeyID
    do throws(ExportRefusal) {
      let written = try ParametersFile.read(written(read), provider, again)
      precondition(written == read)
    } catch {
      precondition(error.place == "wrapping key", "what was read cannot be written")
    }
  }

  static let kek = "https://vault.example/keys/kek/0123456789abcdef0123456789abcdef"

  /// The file that the provider would give.
  private static func written(_ parameters: WrappingParameters) -> [UInt8] {
    let pem = PEMText.encode(publicKey: parameters.publicKey)
    let end = parameters.validUntil.map { JSONText.string($0.rfc3339) }
    let token = parameters.token.map { JSONText.string(Base64.encode($0)) }
    let key = JSONText.string(Base64.encode(parameters.publicKey))
    func answer(_ endName: String) -> [UInt8] {
      JSONText.members([
        ("KeyId", .string(parameters.providerKeyID)), ("PublicKey", key), ("ImportToken", token),
        (endName, end),
      ]).bytes
    }
    switch parameters.provider {
    case .aws, .tencent: return answer("ParametersValidTo")
    case .alibaba: return answer("TokenExpireTime")
    case .azure, .azureManagedHSM, .openbao, .vault: return Array(pem.utf8)
    case .google:
      let method = GoogleJobMethod.all.first {
        $0.algorithm == parameters.algorithm && (try? parameters.wrappingKeyBits) == $0.bits
      }
      return JSONText.members([
        ("name", parameters.wrappingKeyID.map { .string($0) }), ("state", .string("ACTIVE")),
        ("importMethod", method.map { .string($0.name) }), ("expireTime", end),
        ("protectionLevel", parameters.protectionLevel.map { .string($0) }),
        ("publicKey", .object([("pem", .string(pem))])),
      ]).bytes
    case .oci:
      return JSONText.members([
        ("public-key", .string(pem)), ("id", parameters.wrappingKeyID.map { .string($0) }),
      ]).bytes
    case .ibm, .hpcs:
      return JSONText.members([
        ("payload", .string(Base64.encode(Array(pem.utf8)))), ("expirationDate", end),
        ("nonce", parameters.nonce.map { .string(Base64.encode($0)) }),
      ]).bytes
    }
  }

  /// Azure's `.byok` file; one with which nothing is wrong is right when Keyward writes it too.
  static func byok(_ bytes: [UInt8]) {
    let hints = ExportCheck.Hints(kind: .byok)
    guard look(bytes, hints)?.isSound == true else { return }
    guard let file = try? StrictJSON.object(bytes), let kid = file.object("header")?["kid"]?.text,
      let blob = (file["ciphertext"]?.text).flatMap({ Base64.decodeURL($0) })
    else { preconditionFailure("a .byok file that cannot be read is said to be right") }
    precondition(look(ImportBody.byok(blob, kid: kid), hints)?.findings.isEmpty == true)
  }

  /// What AWS is sent; a body with which nothing is wrong is right when Keyward writes it too.
  static func importBody(_ bytes: [UInt8]) {
    let hints = ExportCheck.Hints(kind: .request)
    guard look(bytes, hints)?.isSound == true else { return }
    guard let body = try? StrictJSON.object(bytes), let key = body["KeyId"]?.text,
      let token = (body["ImportToken"]?.text).flatMap({ Base64.decode($0) }),
      let blob = (body["EncryptedKeyMaterial"]?.text).flatMap({ Base64.decode($0) })
    else { preconditionFailure("a body that cannot be read is said to be right") }
    let expires = body["ExpirationModel"]?.text == "KEY_MATERIAL_EXPIRES"
    let plan = CloudPlan(
      keySpec: "SYMMETRIC_DEFAULT",
      wrapping: .hybridSHA256,
      wrappingKeyBits: 4096,
      validUntil: expires ? body["ValidTo"].flatMap(ProviderTime.parse) : nil
    )
    let written = ImportBody.aws(blob, plan, keyID: key, token: token).bytes
    // Whole seconds are sent, so an end within this second is over.
    guard plan.validUntil.map({ $0 >= now.adding(seconds: 1) }) ?? true else { return }
    precondition(look(written, hints)?.findings.isEmpty == true)
  }

  /// Any file under any hints, of which the first five bytes are.
  static func check(_ bytes: [UInt8]) {
    guard bytes.count >= 5 else { return }
    let hints = ExportCheck.Hints(
      kind: choice(bytes[0], of: ExportCheck.Kind.allCases),
      provider: choice(bytes[1], of: ExportProvider.allCases),
      wrappingKeyBits: choice(bytes[2] & 7, of: [2048, 3072, 4096, 8192]),
      algorithm: choice(bytes[3], of: WrappingAlgorithm.allCases),
      keyType: choice(bytes[4], of: KeyType.allCases),
      encoding: choice(bytes[2] >> 3 & 3, of: ExportCheck.Encoding.allCases) ?? .raw,
      protectionLevel: bytes[2] & 0x80 == 0 ? nil : "HSM"
    )
    let file = Array(bytes.dropFirst(5))
    guard let report = look(file, hints), let kind = hints.kind else { return }
    precondition(report.kind == kind)
  }

  // What every report has

  /// The report, after a look at what each report must be; nil if the kind cannot be told.
  static func look(_ file: [UInt8], _ hints: ExportCheck.Hints) -> ExportCheck.Report? {
    guard let bytes = try? SecretBytes.fixture(file),
      let report = try? ExportCheck.check(bytes, hints, now: now)
    else { return nil }
    var said = ""
    for finding in report.findings {
      precondition(!finding.message.isEmpty && !finding.place.isEmpty && !finding.remedy.isEmpty)
      precondition(isInside(finding.place, file.count), "a place beyond the end of the file")
      said += "\(finding.message)\n\(finding.place)\n\(finding.remedy)\n"
    }
    precondition(isSilent(Array(said.utf8), of: file), "a finding tells what is in the file")
    return report
  }

  /// Whether each `byte N` in a place is one of the file, or its end.
  private static func isInside(_ place: String, _ count: Int) -> Bool {
    let words = place.split(separator: " ")
    return zip(words, words.dropFirst()).allSatisfy { word, number in
      word != "byte" || Int(number).map { (0...count).contains($0) } ?? false
    }
  }

  /// Words of the formats themselves, which readers look for and findings name.
  private static let formatWords: [[UInt8]] =
    (WrappingAlgorithm.allCases.map(\.rawValue) + GoogleJobMethod.all.map(\.name) + [
      "CKM_RSA_AES_KEY_WRAP", "KEY_MATERIAL_DOES_NOT_EXPIRE", "KEY_MATERIAL_EXPIRES",
      "EncryptedKeyMaterial", "ExpirationModel", "ParametersValidTo",
      "HPKE_KEM_XWING_HKDF_SHA256_AES_256_GCM",
    ]).map { Array($0.utf8) }

  /// Whether no 16 bytes of the file are said, as they are or in hexadecimal.
  ///
  /// Words of the format and points in time may be.
  private static func isSilent(_ said: [UInt8], of file: [UInt8]) -> Bool {
    // 16 bytes in a row hold eight whose place is a multiple of 8.
    var blocks: [ArraySlice<UInt8>: [Int]] = [:]
    for start in stride(from: 0, to: file.count - 7, by: 8) {
      blocks[file[start..<(start + 8)], default: []].append(start)
    }
    var hexadecimal = 0
    for index in said.indices {
      hexadecimal = isHexadecimal(said[index]) ? hexadecimal + 1 : 0
      if hexadecimal == 32 { return false }
      guard index + 8 <= said.count else { continue }
      for start in blocks[said[index..<(index + 8)]] ?? [] {
        let before = zip(file[..<start].reversed(), said[..<index].reversed())
          .prefix { $0 == $1 }.count
        let after = zip(file[start...], said[index...]).prefix { $0 == $1 }.count
        let run = said[(index - before)..<(index + after)]
        if run.count >= 16, !isPublic(run) { return false }
      }
    }
    return true
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...102).contains(byte) || (65...70).contains(byte)
  }

  private static func isPublic(_ run: ArraySlice<UInt8>) -> Bool {
    if run.allSatisfy({ (48...58).contains($0) || "-.TZ".utf8.contains($0) }) { return true }
    let word = run.drop { !isLetter($0) }.reversed().drop { !isLetter($0) }.reversed()
    return formatWords.contains { holds($0, Array(word)) || holds(Array(run), $0) }
  }
  private static func isLetter(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }

  private static func holds(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    text.indices.contains { text[$0...].starts(with: part) }
  }
}
