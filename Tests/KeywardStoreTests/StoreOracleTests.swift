import KeywardModel
import KeywardStore
import Testing

/// The forms on disk, against a second implementation in Python written from the documents.
@Suite
struct StoreOracleTests {
  @Test
  func everyMACIsAsDocumented() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    let answer = try Oracle.run(
      "store.py",
      "database",
      Hex.encode(image.sample.rootBytes),
      scratch("data/keyward.db"),
      scratch("data/anchor")
    )
    #expect(answer.hasSuffix("rows, counter 5, 40 entries\n"))
  }

  @Test
  func aBackupIsAsDocumented() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    let store = try SQLiteStore.open(directory: scratch("data"))
    _ = try store.unlock(image.sample.keys, accepting: [])
    let writer = try BackupWriter(store, at: Sample.time)
    var backup: [UInt8] = []
    while let piece = try writer.next() { backup += piece }
    try write(backup, to: scratch("backup"))
    let answer = try Oracle.run(
      "store.py",
      "backup",
      Hex.encode(image.sample.rootBytes),
      scratch("backup"),
      scratch("out")
    )
    #expect(answer.hasSuffix("counter 5\n"))
    let database = try contents(of: scratch("out"))
    #expect(database.count == image.database.count)
  }
}
