/// The field GF(2^8) of AES (polynomial x^8 + x^4 + x^3 + x + 1, 0x11b) in constant time.
///
/// No table, no branch and no index depends on an operand: multiplication selects by masks and
/// inversion is a fixed chain of multiplications. Log and exponent tables are faster and leak
/// shares through the cache (CVE-2023-25000). Addition in this field is exclusive or.
package enum GF256 {
  /// The product of `a` and `b`.
  @inline(__always)
  package static func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
    var shifted = a
    var product: UInt8 = 0
    for bit in 0..<UInt8(8) {
      // 0x00 or 0xff: whether this bit of b is set, without a branch on it.
      let selected = 0 &- (b &>> bit & 1)
      product ^= shifted & selected
      let overflow = 0 &- (shifted &>> 7)
      shifted = (shifted &<< 1) ^ (overflow & 0x1b)
    }
    return product
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
