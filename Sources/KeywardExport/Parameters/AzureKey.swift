import KeywardCrypto
import KeywardModel

/// Keys of Azure by their identifiers and numbers.
enum AzureKey {
  /// Refuses a KEK without its version: a `.byok` file must name exactly one key (failure mode 19).
  static func checkVersioned(_ identifier: String) throws(ExportRefusal) {
    let parts = identifier.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 6, parts[0] == "https:", parts[1].isEmpty,
      !parts[2].isEmpty, parts[2].utf8.first != UInt8(ascii: "."),
      parts[3] == "keys", !parts[4].isEmpty, identifier.utf8.count <= 512,
      identifier.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c })
    else {
      throw ExportRefusal(
        .kekUnversioned,
        "The identifier of the KEK is not https://VAULT/keys/NAME/VERSION.",
        remedy: "az keyvault key show --query key.kid",
        place: "kid"
      )
    }
    guard parts.count == 6, parts[5].utf8.count == 32,
      parts[5].utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    else {
      throw ExportRefusal(
        .kekUnversioned,
        "The identifier of the KEK has no version.",
        remedy: "az keyvault key show --query key.kid gives it with its version.",
        place: "kid"
      )
    }
  }

  /// The SubjectPublicKeyInfo of `n` and `e`.
  static func spki(_ key: JSONObject) throws(ExportRefusal) -> [UInt8] {
    do throws(CryptoError) {
      var modulus = try number(key, "n")
      while modulus.first == 0 { modulus.removeFirst() }
      return try PublicKey(rsaModulus: modulus, exponent: number(key, "e")).spki()
    } catch {
      throw ParametersFile.unreadable("'n' and 'e' are not an RSA key", at: "key.n")
    }
  }

  /// The command line writes base64url; older ones standard base64.
  private static func number(_ key: JSONObject, _ name: String) throws(CryptoError) -> [UInt8] {
    guard let text = key[name]?.text, let bytes = Base64.decodeURL(text) ?? Base64.decode(text)
    else { throw .invalidKey("no number") }
    return bytes
  }
}
