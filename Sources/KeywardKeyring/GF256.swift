/// The field GF(2^8) of AES (polynomial x^8 + x^4 + x^3 + x + 1, 0x11b) in constant time.
///
/// No table, no branch and no index depends on an operand. Log and exponent tables are faster and
/// leak shares through the cache (CVE-2023-25000). Addition in this field is exclusive or.
package enum GF256 {
  /// The product of `a` and `b`.
  ///
  /// Polynomials over GF(2) are multiplied with the integer multiplier: every fourth bit of each
  /// operand is taken apart, so that the at most two ones that meet in a place make no carry that
  /// reaches the next place that counts. The textbook loop, which selects by a mask per bit, is not
  /// constant time here: the optimizer turns its masks into jumps (`ConstantTimeTests` shows it).
  @inline(__always)
  package static func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
    let x = UInt32(a)
    let y = UInt32(b)
    let (x0, x1, x2, x3) = (x & 0x11, x & 0x22, x & 0x44, x & 0x88)
    let (y0, y1, y2, y3) = (y & 0x11, y & 0x22, y & 0x44, y & 0x88)
    let p0 = (x0 &* y0) ^ (x1 &* y3) ^ (x2 &* y2) ^ (x3 &* y1)
    let p1 = (x0 &* y1) ^ (x1 &* y0) ^ (x2 &* y3) ^ (x3 &* y2)
    let p2 = (x0 &* y2) ^ (x1 &* y1) ^ (x2 &* y0) ^ (x3 &* y3)
    let p3 = (x0 &* y3) ^ (x1 &* y2) ^ (x2 &* y1) ^ (x3 &* y0)
    let product = (p0 & 0x1111) | (p1 & 0x2222) | (p2 & 0x4444) | (p3 & 0x8888)
    // x^8 is x^4 + x^3 + x + 1. Folding the 7 high bits leaves at most 3, and these leave none.
    let folded = fold(fold(product))
    return UInt8(truncatingIfNeeded: folded)
  }

  @inline(__always)
  private static func fold(_ product: UInt32) -> UInt32 {
    let high = product &>> 8
    return (product & 0xff) ^ high ^ (high &<< 1) ^ (high &<< 3) ^ (high &<< 4)
  }

  /// The inverse of `a`, which is a^254; the inverse of 0 is 0, so callers rule 0 out.
  package static func inverse(_ a: UInt8) -> UInt8 {
    var square = a
    var result: UInt8 = 1
    for _ in 0..<7 {
      square = multiply(square, square)
      result = multiply(result, square)
    }
    return result
  }

  /// The value at `x` of the polynomial whose constant term is `secret[i]` and whose higher
  /// coefficients are `coefficients[i]`, `coefficients[count + i]`, …, for each byte i.
  ///
  /// All three buffers are secret. `coefficients` holds a whole number of rows of `secret.count`.
  package static func evaluate(
    secret: UnsafeRawBufferPointer,
    coefficients: UnsafeRawBufferPointer,
    x: UInt8,
    into value: UnsafeMutableRawBufferPointer
  ) {
    let width = secret.count
    precondition(value.count == width && coefficients.count % max(width, 1) == 0)
    let rows = width == 0 ? 0 : coefficients.count / width
    for column in 0..<width {
      var accumulator: UInt8 = 0
      for row in (0..<rows).reversed() {
        accumulator = multiply(accumulator ^ coefficients[row * width + column], x)
      }
      value[column] = accumulator ^ secret[column]
    }
  }

  /// The weight of the point at `x` among the points at `all`, for interpolation at 0.
  ///
  /// The x are public. They must be distinct and not 0.
  package static func weight(of x: UInt8, among all: [UInt8]) -> UInt8 {
    var weight: UInt8 = 1
    for other in all where other != x {
      weight = multiply(weight, multiply(other, inverse(other ^ x)))
    }
    return weight
  }

  /// Adds `weight` times `value` to `sum`, byte by byte; both buffers are secret.
  package static func accumulate(
    _ value: UnsafeRawBufferPointer,
    times weight: UInt8,
    into sum: UnsafeMutableRawBufferPointer
  ) {
    precondition(value.count == sum.count)
    for index in 0..<sum.count { sum[index] ^= multiply(value[index], weight) }
  }
}
