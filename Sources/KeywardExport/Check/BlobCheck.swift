import KeywardCrypto
import KeywardModel

/// What the length and the form of a blob show.
enum BlobCheck {
  static let unseen = [
    "which hash OAEP and its MGF1 used", "AES-KW or AES-KWP, where both give this length",
    "whose wrapping key it was, and which key is inside",
  ]

  private typealias Finding = ExportCheck.Finding

  /// A blob in a file of its own.
  static func file(
    _ file: borrowing SecretBytes,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    if KeyShape.recognize(file) != nil {
      return [
        Finding(
          .materialNotWrapped,
          "This is a key that nothing wraps.",
          at: "byte 0",
          remedy: "Do not send it. If it was sent to anybody, make another key."
        )
      ]
    }
    let form = file.withUnsafeBytes { TextForm($0) }
    let bytes = file.revealed()
    switch (hints.encoding, form) {
    case (.raw, let form?):
      let finding = Finding(
        .blobIsText,
        "The blob is \(form.alphabet.rawValue) text, where bytes are due.",
        at: "byte 0",
        remedy: form.alphabet == .hexadecimal
          ? "xxd -r -p FILE > blob.bin" : "base64 -d FILE > blob.bin"
      )
      return [finding] + (form.decode(bytes).map { lengths($0, hints) } ?? [damaged(form)])
    case (.raw, nil): return lengths(bytes, hints)
    case (_, nil):
      return [
        Finding(
          .blobIsBinary,
          "The blob is bytes, where \(hints.encoding.rawValue) is due.",
          at: "byte 0",
          remedy: "base64 -w0 FILE > blob.txt"
        )
      ] + lengths(bytes, hints)
    case (_, let form?): return text(bytes, form, hints)
    }
  }

  private static func text(
    _ bytes: [UInt8],
    _ form: TextForm,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    var findings: [Finding] = []
    if form.alphabet.rawValue != hints.encoding.rawValue {
      findings.append(
        Finding(
          .base64Variant,
          "The blob is \(form.alphabet.rawValue), where \(hints.encoding.rawValue) is due.",
          at: "byte 0",
          remedy: hints.encoding == .base64
            ? "Use + and / with padding." : "Use - and _ without padding."
        )
      )
    }
    if let blank = form.firstBlank {
      findings.append(
        Finding(
          .base64Variant,
          "The text has a line end or a blank within or after it.",
          at: "byte \(blank)",
          remedy: "Write one line without an end: base64 -w0."
        )
      )
    }
    return findings + (form.decode(bytes).map { lengths($0, hints) } ?? [damaged(form)])
  }

  private static func damaged(_ form: TextForm) -> ExportCheck.Finding {
    Finding(
      .blobLength,
      "The \(form.alphabet.rawValue) text does not end where it could.",
      at: "the end",
      remedy: "Copy it again, whole."
    )
  }

  /// The arithmetic of the three envelopes; `place` names the field that holds the blob.
  static func lengths(
    _ blob: [UInt8],
    _ hints: ExportCheck.Hints,
    in place: String? = nil
  ) -> [ExportCheck.Finding] {
    let way = BlobLength(hints)
    let findings = way.offered()
    guard findings.isEmpty, let finding = way.finding(blob.count) else { return findings }
    return findings + [
      Finding(
        finding.code,
        finding.message,
        at: [place, finding.place].compactMap { $0 }.joined(separator: ", "),
        remedy: finding.remedy
      )
    ]
  }
}
