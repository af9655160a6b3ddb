import Foundation
import Testing

@testable import KeywardCrypto

/// The one place that writes and reads PEM with secrets in it, against Foundation's base64.
@Suite
struct SecretPEMTests {
  private static func pem(_ label: String, _ bytes: [UInt8]) -> String {
    let lines = Data(bytes).base64EncodedString(options: [
      .lineLength64Characters, .endLineWithLineFeed,
    ])
    return "-----BEGIN \(label)-----\n\(lines)\n-----END \(label)-----\n"
  }

  private static func decoded(_ text: String, _ label: String = "PRIVATE KEY") throws -> [UInt8]? {
    let found = try SecretPEM.decode(label, SecretBytes.fixture(Array(text.utf8)))
    guard let found else { return nil }
    return found.revealed()
  }

  @Test
  func everyLengthIsWrittenAndReadAgain() throws {
    for count in 1...400 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ count) }
      let text = try SecretPEM.encode("PRIVATE KEY", SecretBytes.fixture(bytes)).revealed()
      #expect(String(decoding: text, as: UTF8.self) == Self.pem("PRIVATE KEY", bytes))
      #expect(try Self.decoded(String(decoding: text, as: UTF8.self)) == bytes)
    }
  }

  @Test
  func theFirstBlockOfTheLabelIsRead() throws {
    let text =
      "Some words\n" + Self.pem("CERTIFICATE", [1]) + Self.pem("PRIVATE KEY", [2, 3])
      + Self.pem("PRIVATE KEY", [4])
    #expect(try Self.decoded(text) == [2, 3])
    #expect(try Self.decoded(text, "CERTIFICATE") == [1])
    #expect(try Self.decoded(text, "EC PRIVATE KEY") == nil)
    #expect(try Self.decoded(text.replacing("\n", with: "\r\n")) == [2, 3])
  }

  @Test
  func whatIsNoBlockIsRefused() throws {
    let good = "-----BEGIN PRIVATE KEY-----\nAgM=\n-----END PRIVATE KEY-----\n"
    #expect(try Self.decoded(good) == [2, 3])
    let bad = [
      "", "-----BEGIN PRIVATE KEY-----", String(good.dropLast(30)), String(good.dropFirst()),
      good.replacing("AgM=", with: ""), good.replacing("AgM=", with: "===="),
      good.replacing("AgM=", with: "AgM==="), good.replacing("AgM=", with: "A"),
      good.replacing("AgM=", with: "Ag=M"), good.replacing("AgM=", with: "AgM-"),
      good.replacing("AgM=", with: "AgM\u{0}"),
      "-----END PRIVATE KEY-----\nAgM=\n-----BEGIN PRIVATE KEY-----\n",
    ]
    for text in bad { #expect(try Self.decoded(text) == nil, "\(text)") }
  }
}
