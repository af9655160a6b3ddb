import KeywardCrypto
import Testing

@Suite
struct SecretBytesTests {
  @Test(arguments: [0, 1, 15, 16, 17, 4096, 131_055, 131_056, 131_057, 3_000_000])
  func newBytesAreZero(count: Int) throws {
    // Fill and release some first, so that the allocator has used memory to give.
    for _ in 0..<4 {
      var used = try SecretBytes(count: count)
      used.withUnsafeMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 0xA5) }
    }
    let fresh = try SecretBytes(count: count)
    let sum = fresh.withUnsafeBytes { $0.reduce(0) { $0 + Int($1) } }
    #expect(fresh.count == count)
    #expect(sum == 0)
  }

  @Test(arguments: [(0..<5, true), (2..<5, true), (5..<5, true), (0..<6, false), (-1..<2, false)])
  func partsStayInside(range: Range<Int>, fits: Bool) throws {
    let whole = try secret([1, 2, 3, 4, 5])
    guard fits else {
      #expect(throws: CryptoError.invalidInput("range outside the secret")) {
        _ = try SecretBytes(copying: whole, range: range)
      }
      return
    }
    let part = try SecretBytes(copying: whole, range: range)
    #expect(part.revealed() == Array([1, 2, 3, 4, 5][range]))
  }

  @Test
  func clonesAreIndependent() throws {
    let original = try secret([1, 2, 3])
    var copy = try original.clone()
    let equal = copy.constantTimeEquals(original)
    #expect(equal)
    copy.withUnsafeMutableBytes { $0[0] = 9 }
    let stillEqual = copy.constantTimeEquals(original)
    #expect(!stillEqual)
    #expect(original.revealed() == [1, 2, 3])
  }

  @Test(
    arguments: [
      ([], [], true), ([1], [1], true), ([1], [2], false), ([1], [1, 0], false),
      ([1, 0], [1], false),
    ] as [([UInt8], [UInt8], Bool)]
  )
  func comparison(a: [UInt8], b: [UInt8], equal: Bool) throws {
    let left = try secret(a)
    let right = try secret(b)
    let secrets = left.constantTimeEquals(right)
    #expect(secrets == equal)
    #expect(constantTimeEquals(a, b) == equal)
  }

  @Test
  func randomDrawsDiffer() throws {
    let a = try SecretBytes.random(count: 32)
    let b = try SecretBytes.random(count: 32)
    let alike = a.constantTimeEquals(b)
    #expect(!alike)
  }

  @Test
  func negativeLengthsAreRefused() {
    #expect(throws: CryptoError.invalidInput("negative length")) { _ = try SecretBytes(count: -1) }
    #expect(throws: CryptoError.self) { _ = try SecretBytes.random(count: -1) }
    #expect(throws: CryptoError.self) { _ = try SecretBytes(count: Int.max) }
  }

  /// Nothing that formats values shows the bytes.
  @Test
  func descriptionsShowNothing() throws {
    let box = SecretBox(try secret(Array("canary-in-the-arena".utf8)))
    #expect(!String(describing: box).contains("canary"))
    #expect(!String(reflecting: box).contains("canary"))
  }
}
