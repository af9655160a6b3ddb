/// The inputs and answers of the self-tests, in hex; all of them are public.
enum KnownAnswers {
  /// McGrew and Viega, The Galois/Counter Mode of Operation, test cases 4 and 16 (key repeated).
  static let gcmKey = "feffe9928665731c6d6a8f9467308308"
  static let gcmNonce = "cafebabefacedbaddecaf888"
  static let gcmAAD = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
  static let gcmPlaintext = """
    d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6\
    b525b16aedf5aa0de657ba637b39
    """
  static let gcm128 = """
    42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84\
    aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47
    """
  static let gcm256 = """
    522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682\
    8838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b
    """

  /// RFC 8439 §2.8.2.
  static let chachaKey = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
  static let chachaNonce = "070000004041424344454647"
  static let chachaAAD = "50515253c0c1c2c3c4c5c6c7"
  static let chachaPlaintext = """
    4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a2049662049\
    20636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c20\
    73756e73637265656e20776f756c642062652069742e
    """
  static let chacha = """
    d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92\
    728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b\
    4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691
    """

  /// RFC 3394 §4.6.
  static let wrapKEK = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
  static let wrapKey = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"
  static let wrapped =
    "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"

  /// RFC 5649 §6.
  static let paddedKEK = "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"
  static let paddedKey = "466f7250617369"
  static let paddedWrapped = "afbeb0f07dfbf5419200f2ccb50bb24f"

  /// FIPS 180-4: the message "abc".
  static let abc = "616263"
  static let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  static let sha384 = """
    cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c8\
    25a7
    """
  static let sha512 = """
    ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fe\
    ebbd454d4423643ce80e2a9ac94fa54ca49f
    """

  /// RFC 4231 §4.3.
  static let macKey = "4a656665"
  static let macMessage = "7768617420646f2079612077616e7420666f72206e6f7468696e673f"
  static let mac256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
  static let mac384 = """
    af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab2\
    1649
    """
  static let mac512 = """
    164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0\
    e6fdcaeab1a34d4a6b4b636e070a38bce737
    """

  /// RFC 5869 A.1.
  static let hkdfKey = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
  static let hkdfSalt = "000102030405060708090a0b0c"
  static let hkdfInfo = "f0f1f2f3f4f5f6f7f8f9"
  static let hkdf = """
    3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865
    """

  /// RFC 7914 §12, the first.
  static let scrypt = """
    77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc8\
    1f17e8d3e0fb2e0d3628cf35e20c38d18906
    """

  /// Keyward's own, computed by an independent implementation; keys count up from zero.
  static let messageSalt = "6465666768696a6b6c6d6e6f707172737475767778797a7b"
  static let messageAAD = "6b6579776172642073656c662d74657374"
  static let messagePlaintext = "61747461636b206174206461776e"
  static let message128 = """
    5c0623e7685cc23fb54c45eaa0c24ddad162caa777a344950ab84ae18008bcb88318786031cc3dfe955ba1085057
    """
  static let message256 = """
    6f3aadd795fb81b29cfba21053f2f4d3b66d19d8a523cc95d6374c3ec2776de935b83bf3ef411f6d7ebdd8ced53e
    """
  static let messageChaCha = """
    1d032495edb18c5cf5a927e6574eae7a35588ffdc7360f04b91df3677c90e4803f414a8b96ddfa4cd6b85d683631
    """

  /// Decodes hex; what is not hex decodes to nothing, and fails the test that uses it.
  static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap { digit -> UInt8? in
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    guard digits.count == hex.utf8.count, digits.count % 2 == 0 else { return [] }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  /// Decodes hex into the arena, where keys are wanted.
  static func secret(_ hex: String) throws(CryptoError) -> SecretBytes {
    try SecretBytes.fixture(bytes(hex))
  }
}
