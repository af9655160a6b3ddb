import KeywardCrypto
package import KeywardModel

/// The algorithms an envelope can be made with; the raw value is byte 0 of the envelope.
///
/// The suite belongs to the key, by its type, and never to the message: a reader says which suite
/// it expects and refuses any other byte, so that nobody can talk it into another algorithm.
package enum EnvelopeSuite: UInt8, CaseIterable, Sendable {
  case aes256 = 0x01
  case aes128 = 0x02
  case chacha20 = 0x03

  /// The suite of the messages of a key of `type`; nil for types that do not encrypt messages.
  package init?(_ type: KeyType) {
    switch type {
    case .aes256: self = .aes256
    case .aes128: self = .aes128
    case .chacha20Poly1305: self = .chacha20
    default: return nil
    }
  }

  /// The length of the suite's key, in bytes.
  package var keyLength: Int {
    switch self {
    case .aes128: 16
    case .aes256, .chacha20: 32
    }
  }

  var cipher: CommittingAEAD.Cipher {
    switch self {
    case .aes128: .aes128CTR
    case .aes256: .aes256CTR
    case .chacha20: .chacha20
    }
  }
}
