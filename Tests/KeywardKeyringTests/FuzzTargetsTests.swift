import KeywardKeyring
import KeywardModel
import Testing

/// A short run of the fuzz targets: random bytes, and valid inputs with random changes.
///
/// The long runs are the fuzzer's; here the targets only have to return.
@Suite
struct FuzzTargetsTests {
  /// `seed` with one to four random changes: a bit, a byte, a cut, a doubled or inserted piece.
  private func changed(_ seed: [UInt8]) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...4) {
      let place = bytes.isEmpty ? 0 : Int.random(in: bytes.indices)
      switch Int.random(in: 0..<6) {
      case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8.random(in: 0..<8)
      case 1 where !bytes.isEmpty: bytes[place] = UInt8.random(in: .min ... .max)
      case 2: bytes.removeSubrange(place...)
      case 3: bytes.insert(contentsOf: bytes.suffix(8), at: place)
      case 4: bytes.insert(UInt8.random(in: .min ... .max), at: place)
      default: bytes.append(0xff)
      }
    }
    return bytes
  }

  @Test
  func sharesReturn() throws {
    let set = try ShareSet.random(threshold: 2, count: 3)
    let share = try Share(set: set, index: 1, payload: try Fixtures.box(Fixtures.random(32)))
    let text = Array(try Fixtures.text(share).utf8)
    FuzzTargets.share(text)
    for _ in 0..<3000 {
      FuzzTargets.share(changed(text))
      FuzzTargets.share(Fixtures.random(Int.random(in: 0...300)))
    }
  }

  @Test
  func envelopesReturn() throws {
    for vector in EnvelopeVector.all where vector.envelope.count < 200 {
      FuzzTargets.envelope(vector.envelope)
      for _ in 0..<40 { FuzzTargets.envelope(changed(vector.envelope)) }
    }
    for _ in 0..<1000 { FuzzTargets.envelope(Fixtures.random(Int.random(in: 0...200))) }
  }

  @Test
  func sealRecordsReturn() throws {
    let root = try RootKey.generate()
    let shared = try SealRecord.createShared(
      .unseal,
      threshold: 2,
      count: 3,
      store: try Fixtures.store(),
      rootKey: root
    )
    let bytes = shared.record.encoded
    FuzzTargets.sealRecord(bytes)
    for _ in 0..<3000 {
      FuzzTargets.sealRecord(changed(bytes))
      FuzzTargets.sealRecord(Fixtures.random(Int.random(in: 0...400)))
    }
  }
}
