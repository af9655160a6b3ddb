import KeywardKeyring
import Testing

@Suite
struct GF256Tests {
  /// Multiplication as FIPS 197 §4.2 defines it, with branches: shift, subtract the polynomial.
  private func product(_ a: Int, _ b: Int) -> Int {
    var product = 0
    for bit in 0..<8 where b >> bit & 1 == 1 { product ^= a << bit }
    for bit in (8..<16).reversed() where product >> bit & 1 == 1 { product ^= 0x11b << (bit - 8) }
    return product
  }

  @Test
  func everyProductIsTheDefinitions() {
    var wrong = 0
    for a in 0..<256 {
      for b in 0..<256 where Int(GF256.multiply(UInt8(a), UInt8(b))) != product(a, b) {
        wrong += 1
      }
    }
    #expect(wrong == 0)
    #expect(GF256.multiply(0x57, 0x83) == 0xc1, "the example of FIPS 197 §4.2")
  }

  @Test
  func everyInverseInverts() {
    for a in UInt8(1)...255 { #expect(GF256.multiply(a, GF256.inverse(a)) == 1) }
    #expect(GF256.inverse(0) == 0)
  }

  @Test
  func weightsInterpolateAtZero() {
    // The polynomial 7 + 3x over the points 1 and 2.
    let values: [(UInt8, UInt8)] = [1, 2].map { ($0, 7 ^ GF256.multiply(3, $0)) }
    let sum = values.reduce(UInt8(0)) { sum, point in
      sum ^ GF256.multiply(point.1, GF256.weight(of: point.0, among: [1, 2]))
    }
    #expect(sum == 7)
  }
}
