import Pipeline
import PreciseJSON

/// Scalars over steps as TensorBoard reads them: records of TFRecord, each an `Event` of protobuf.
///
/// A record is the length of its data (64 bits, little-endian), the masked CRC-32C of that, the data, and its masked
/// CRC-32C. Formats: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, framework/summary.proto.
package struct EventFile {
  package private(set) var bytes: [UInt8] = []

  /// - Parameter time: When it was begun, in seconds since 1970.
  package init(time: Double) {
    append(time: time) { $0.data(3, Array("brain.Event:2".utf8)) }
  }

  /// Adds the numbers of a step, each under a tag: `train/loss`.
  package mutating func add(step: Int, time: Double, _ scalars: [(tag: String, value: Double)]) {
    append(time: time) { event in
      event.integer(2, step)
      event.message(5) { summary in
        for scalar in scalars {
          summary.message(1) { value in
            value.data(1, Array(scalar.tag.utf8))
            value.float(2, Float(scalar.value))
          }
        }
      }
    }
  }

  private mutating func append(time: Double, _ fields: (inout ProtobufWriter) -> Void) {
    var event = ProtobufWriter()
    event.double(1, time)
    fields(&event)
    let length = littleEndian(UInt64(event.bytes.count))
    bytes += length + littleEndian(Self.masked(length)) + event.bytes + littleEndian(Self.masked(event.bytes))
  }

  private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
  }

  /// A checksum rotated and moved, so that one over data with checksums in it is of use.
  private static func masked(_ bytes: [UInt8]) -> UInt32 {
    let sum = checksum(bytes)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  /// CRC-32C (Castagnoli: polynomial 0x1EDC6F41 reflected).
  package static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { sum, byte in table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ sum >> 8 }
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0x82F6_3B78 ^ sum >> 1 : sum >> 1 }
  }
}

extension EventFile {
  /// Where it stands among the metrics: TensorBoard looks for `tfevents` in names.
  static let member = "tensorboard/events.out.tfevents.0.anneal"

  /// The records of a training under the tags that transformers' callback gives them.
  ///
  /// - Parameters:
  ///   - end: When the last step was over; nil leaves all times at zero, and what a clock measured out.
  init(_ records: [JSON], end: Double?) {
    // The time of a step is what the speed says of it.
    let passed = records.map { record in
      guard let tokens = record["tokens"]?.double, let speed = record[MetricsRecord.speed]?.double, speed > 0 else {
        return 0.0
      }
      return tokens / speed
    }
    let start = end.map { $0 - passed.reduce(0, +) }
    self.init(time: start ?? 0)
    var time = start ?? 0
    for (record, seconds) in zip(records, passed) {
      if end != nil { time += seconds }
      add(
        step: record["step"]?.int ?? 0, time: time,
        MetricsRecord.measures(record, measured: end != nil).map { (MetricsRecord.tag($0.name), $0.value) })
    }
  }
}
