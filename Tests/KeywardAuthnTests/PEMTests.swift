import Testing

@testable import KeywardAuthn

@Suite
struct PEMTests {
  static let block = "-----BEGIN X509 CRL-----\nAAEC\nAwQF\n-----END X509 CRL-----\n"

  @Test
  func blocksAreReadAndWritten() {
    #expect(PEM.blocks(Self.block + "\n" + Self.block, label: "X509 CRL")?.count == 2)
    let long = [UInt8](0...255)
    #expect(PEM.blocks(PEM.text(long, label: "CERTIFICATE"), label: "CERTIFICATE") == [long])
  }

  @Test(arguments: [
    block.replacing("CRL-----\n", with: "CRL----\n"), "text\n" + block, block + "text",
    block.replacing("AAEC", with: "AAE"), block.replacing("AAEC", with: "AA C"),
    block.replacing("AAEC\n", with: "AAEC\n\n"), "-----BEGIN X509 CRL-----\nAAEC\n",
    block.replacing("X509 CRL", with: "CERTIFICATE"),
  ])
  func everythingElseIsRefused(_ text: String) {
    #expect(PEM.blocks(text, label: "X509 CRL") == nil)
  }
}
