package import KeywardCrypto

/// Shamir's secret sharing over GF(2^8), byte by byte (Shamir 1979).
///
/// Any `threshold` points give the secret; fewer are independent of it, whatever one can compute.
/// The coefficients are uniform, the highest one included: forcing it to be non-zero would exclude
/// one candidate secret per byte for `threshold - 1` holders. The points carry no authentication:
/// `Share` and the share checks of `SealRecord` do that.
package enum Shamir {
  /// One point of the sharing polynomial.
  package struct Point: Sendable {
    /// The public coordinate, 1 to 255.
    package let x: UInt8
    /// The secret coordinate, as long as the shared secret.
    package let y: SecretBox

    package init(x: UInt8, y: SecretBox) {
      self.x = x
      self.y = y
    }
  }

  /// Whether a threshold and a count make a share set: 2 <= threshold <= count <= 255, or 1 of 1.
  ///
  /// 1 of 1 is for development: its one share is the secret itself. A threshold of 1 with more
  /// shares would hand the whole secret to each holder and is refused.
  package static func isPossible(threshold: Int, count: Int) -> Bool {
    if threshold == 1 { return count == 1 }
    return threshold >= 2 && threshold <= count && count <= 255
  }

  /// The points at x = 1, 2, … `count` of a random polynomial through `secret`.
  package static func split(
    _ secret: borrowing SecretBytes,
    threshold: Int,
    count: Int
  ) throws(KeyringError) -> [Point] {
    guard isPossible(threshold: threshold, count: count) else {
      throw .invalidThreshold(threshold: threshold, count: count)
    }
    if threshold == 1 {
      let copy: SecretBytes
      do { copy = try secret.clone() } catch { throw .crypto(error) }
      return [Point(x: 1, y: SecretBox(copy))]
    }
    let coefficients: SecretBytes
    do {
      coefficients = try SecretBytes.random(count: (threshold - 1) * secret.count)
    } catch {
      throw .crypto(error)
    }
    var points: [Point] = []
    points.reserveCapacity(count)
    for index in 1...count {
      let x = UInt8(index)
      points.append(Point(x: x, y: try point(secret, coefficients: coefficients, x: x)))
    }
    return points
  }

  /// The secret that `points` lie on the polynomial of.
  ///
  /// All points given are used; whether they are enough is the caller's to know.
  ///
  /// - Throws: `malformedRecord` for no point, an x of 0, an x twice or unequal lengths.
  package static func combine(_ points: [Point]) throws(KeyringError) -> SecretBytes {
    let all = points.map { $0.x }
    guard let first = points.first, !all.contains(0), Set(all).count == all.count else {
      throw .malformedRecord("the points of a shared secret are not distinct")
    }
    let width = first.y.bytes.count
    guard points.allSatisfy({ $0.y.bytes.count == width }) else {
      throw .malformedRecord("the points of a shared secret differ in length")
    }
    var secret = try crypto { () throws(CryptoError) in try SecretBytes(count: width) }
    for point in points {
      let weight = GF256.weight(of: point.x, among: all)
      secret.withUnsafeMutableBytes { sum in
        point.y.bytes.withUnsafeBytes { GF256.accumulate($0, times: weight, into: sum) }
      }
    }
    return secret
  }

  private static func point(
    _ secret: borrowing SecretBytes,
    coefficients: borrowing SecretBytes,
    x: UInt8
  ) throws(KeyringError) -> SecretBox {
    var value: SecretBytes
    do { value = try SecretBytes(count: secret.count) } catch { throw .crypto(error) }
    value.withUnsafeMutableBytes { value in
      secret.withUnsafeBytes { secret in
        coefficients.withUnsafeBytes { coefficients in
          GF256.evaluate(secret: secret, coefficients: coefficients, x: x, into: value)
        }
      }
    }
    return SecretBox(value)
  }
}
