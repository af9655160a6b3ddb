import KeywardModel

/// What AWS is sent to import a blob: `aws kms import-key-material --cli-input-json`.
enum RequestCheck {
  static let unseen = ["whether the token and the wrapping key came with the same answer"]

  private typealias Finding = ExportCheck.Finding

  static func check(
    _ bytes: [UInt8],
    _ hints: ExportCheck.Hints,
    now: Timestamp
  ) -> [ExportCheck.Finding] {
    let object: JSONObject
    let blob: [UInt8]
    do throws(ExportRefusal) {
      object = try ParametersFile.object(bytes)
      _ = try ParametersFile.text(object, "KeyId")
      _ = try ParametersFile.base64(object, "ImportToken")
      blob = try ParametersFile.base64(object, "EncryptedKeyMaterial")
    } catch {
      return [Finding(error, remedy: "Write it again: the blob and the token in standard base64.")]
    }
    var hints = hints
    hints.provider = .aws
    return expiry(object, now) + BlobCheck.lengths(blob, hints, in: "EncryptedKeyMaterial")
  }

  private static func expiry(_ object: JSONObject, _ now: Timestamp) -> [ExportCheck.Finding] {
    let model = object["ExpirationModel"]?.text
    if model == "KEY_MATERIAL_DOES_NOT_EXPIRE" { return [] }
    guard model == "KEY_MATERIAL_EXPIRES" else {
      return [
        Finding(
          .expirationModelMissing,
          "Without an ExpirationModel that AWS knows, the material expires.",
          at: "ExpirationModel",
          remedy: "Write KEY_MATERIAL_DOES_NOT_EXPIRE, or KEY_MATERIAL_EXPIRES with ValidTo."
        )
      ]
    }
    let end: Timestamp?
    do throws(ExportRefusal) {
      end = try ParametersFile.moment(object, "ValidTo")
    } catch {
      return [Finding(error, remedy: "Write seconds since 1970, or RFC 3339.")]
    }
    guard let end, end > now else {
      return [
        Finding(
          .validUntilPast,
          end == nil ? "The material expires, but 'ValidTo' is not there." : "'ValidTo' is over.",
          at: "ValidTo",
          remedy: "Write a time within 365 days."
        )
      ]
    }
    guard end > now.adding(seconds: 365 * 86_400) else { return [] }
    return [
      Finding(
        .validUntilTooFar,
        "'ValidTo' is more than 365 days away, which AWS does not take.",
        at: "ValidTo",
        remedy: "Write a time within 365 days, or KEY_MATERIAL_DOES_NOT_EXPIRE."
      )
    ]
  }
}
