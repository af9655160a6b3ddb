import KeywardModel

/// The file that Azure takes ("BYOK specification" 1.0.0).
enum BYOKCheck {
  private typealias Finding = ExportCheck.Finding

  static func check(_ bytes: [UInt8], _ hints: ExportCheck.Hints) -> [ExportCheck.Finding] {
    let file: JSONObject
    do throws(ExportRefusal) {
      file = try ParametersFile.object(bytes)
    } catch {
      return [
        Finding(
          .byokField,
          "The file is not JSON that can be read.",
          at: error.place ?? "byte 0",
          remedy: "Write it again; nothing may come before or after the JSON."
        )
      ]
    }
    let header = file.object("header")
    var findings = [
      due("1.0.0", file["schema_version"]?.text, "schema_version"),
      due("dir", header?["alg"]?.text, "header.alg"),
      due("CKM_RSA_AES_KEY_WRAP", header?["enc"]?.text, "header.enc"),
    ].compactMap { $0 }
    do throws(ExportRefusal) {
      try AzureKey.checkVersioned(header?["kid"]?.text ?? "")
    } catch {
      findings.append(
        Finding(error.code, error.words, at: "header.kid", remedy: error.remedy ?? "")
      )
    }
    if file["generator"]?.text?.isEmpty ?? true {
      findings.append(
        Finding(
          .byokField,
          "There is no 'generator'.",
          at: "generator",
          remedy: "Name the tool and its version there."
        )
      )
    }
    return findings + ciphertext(file["ciphertext"]?.text ?? "", hints)
  }

  private static func due(
    _ value: String,
    _ found: String?,
    _ place: String
  ) -> ExportCheck.Finding? {
    guard found != value else { return nil }
    return Finding(
      .byokField,
      found == nil ? "There is no '\(place)'." : "'\(place)' is another than Azure takes.",
      at: place,
      remedy: "Write \"\(value)\"."
    )
  }

  private static func ciphertext(
    _ text: String,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    var hints = hints
    hints.provider = hints.provider ?? .azure
    if let blob = Base64.decodeURL(text) {
      return BlobCheck.lengths(blob, hints, in: "ciphertext")
    }
    guard let form = Array(text.utf8).withUnsafeBytes({ TextForm($0) }),
      let blob = form.decode(Array(text.utf8))
    else {
      return [
        Finding(
          .byokField,
          "The ciphertext is not base64url.",
          at: "ciphertext",
          remedy: "Write the blob in base64url without padding."
        )
      ]
    }
    let finding = Finding(
      .base64Variant,
      "The ciphertext is padded or standard base64, or has line ends.",
      at: "ciphertext",
      remedy: "Write it in base64url without padding: tr '+/' '-_' | tr -d '=\\n'."
    )
    return [finding] + BlobCheck.lengths(blob, hints, in: "ciphertext")
  }
}
