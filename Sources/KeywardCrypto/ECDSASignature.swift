import COpenSSL

extension SignatureScheme {
  /// Turns a signature as OpenSSL makes it into the form of the scheme.
  func encoded(
    _ signature: [UInt8],
    _ algorithm: AsymmetricAlgorithm
  ) throws(CryptoError) -> [UInt8] {
    guard case .ecdsa(_, .p1363) = self, let length = algorithm.fieldLength else {
      return signature
    }
    var next: UnsafePointer<UInt8>?
    let parsed = signature.withUnsafeBufferPointer { bytes in
      next = bytes.baseAddress
      return d2i_ECDSA_SIG(nil, &next, bytes.count)
    }
    guard let parsed else { throw OpenSSL.failure("d2i_ECDSA_SIG") }
    defer { ECDSA_SIG_free(parsed) }
    var flat = [UInt8](repeating: 0, count: 2 * length)
    let fits = flat.withUnsafeMutableBufferPointer { out in
      BN_bn2binpad(ECDSA_SIG_get0_r(parsed), out.baseAddress, Int32(length)) == length
        && BN_bn2binpad(
          ECDSA_SIG_get0_s(parsed),
          out.baseAddress.map { $0 + length },
          Int32(length)
        ) == length
    }
    guard fits else { throw OpenSSL.failure("BN_bn2binpad") }
    return flat
  }

  /// Turns a signature in the form of the scheme into what OpenSSL verifies.
  ///
  /// Nil when it has not that form. OpenSSL refuses DER that is not minimal by itself.
  func decoded(_ signature: [UInt8], _ algorithm: AsymmetricAlgorithm) -> [UInt8]? {
    guard case .ecdsa(_, .p1363) = self, let length = algorithm.fieldLength else {
      return signature
    }
    guard signature.count == 2 * length, let pair = ECDSA_SIG_new() else { return nil }
    defer { ECDSA_SIG_free(pair) }
    let r = BN_bin2bn(Array(signature[..<length]), Int32(length), nil)
    let s = BN_bin2bn(Array(signature[length...]), Int32(length), nil)
    guard let r, let s, ECDSA_SIG_set0(pair, r, s) == 1 else {
      BN_free(r)
      BN_free(s)
      return nil
    }
    let size = i2d_ECDSA_SIG(pair, nil)
    guard size > 0 else { return nil }
    return [UInt8](unsafeUninitializedCapacity: Int(size)) { out, count in
      var next = out.baseAddress
      count = Int(i2d_ECDSA_SIG(pair, &next))
    }
  }
}
