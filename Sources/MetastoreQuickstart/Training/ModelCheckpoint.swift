import FoundationEssentials

/// A model on disk: two files, `weights.bin` and `metadata.json`.
///
/// `weights.bin` holds IEEE 754 doubles, little end first: the weights, the bias last, then as many
/// velocities.
package struct ModelCheckpoint: Hashable, Sendable {
    /// File name → bytes, as they are written and as they must be read back.
    package let files: [String: [UInt8]]

    /// The names of the files.
    package static let weightsName = "weights.bin", metadataName = "metadata.json"
    /// What `metadata.json` says in `format`.
    package static let format = "logistic-regression/1"

    /// File name → size in bytes: the resources of a checkpoint record.
    package var sizes: [String: Int] { files.mapValues(\.count) }

    /// Files that were read back. Nothing is checked until ``LogisticModel/init(_:settings:seed:)``.
    package init(files: [String: [UInt8]]) { self.files = files }

    /// The checkpoint of a model.
    package init(_ model: LogisticModel, of request: RequestID) {
        let numbers = model.weights + model.velocity
        let weights = numbers.flatMap { number in
            withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
        }
        let metadata = Metadata(
            format: Self.format, batches: model.batches, features: model.weights.count - 1,
            requestID: request, checksum: Self.checksum(weights))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(metadata) else {
            preconditionFailure("texts and whole numbers are always JSON")
        }
        files = [Self.weightsName: weights, Self.metadataName: Array(json) + [UInt8(ascii: "\n")]]
    }

    struct Metadata: Codable {
        let format: String
        let batches: Int
        let features: Int
        let requestID: RequestID
        let checksum: String

        enum CodingKeys: String, CodingKey {
            case format, batches, features, checksum
            case requestID = "request_id"
        }
    }

    /// FNV-1a, 64 bits: finds damage, not malice.
    static func checksum(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let hex = String(hash, radix: 16)
        return "fnv1a64:" + String(repeating: "0", count: 16 - hex.count) + hex
    }
}

/// Why a checkpoint wasn't loaded.
package enum CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file isn't there.
    case missing(file: String)
    /// A file isn't what was written.
    case damaged(file: String)
    /// It is of another format, newer or foreign.
    case otherFormat(String)
    /// It is another trial's.
    case otherTrial(RequestID)

    package var description: String {
        switch self {
        case .missing(let file): "the checkpoint lacks \(file); restart the trial from an earlier one"
        case .damaged(let file): "\(file) of the checkpoint is damaged; restart the trial from an earlier one"
        case .otherFormat(let format):
            "the checkpoint has the format \(format); this program reads \(ModelCheckpoint.format)"
        case .otherTrial(let request): "the checkpoint belongs to trial \(request)"
        }
    }
}

extension LogisticModel {
    /// The model of a checkpoint, bit for bit as it was saved.
    package init(
        _ checkpoint: ModelCheckpoint, of request: RequestID, settings: TrainerSettings, seed: UInt64
    ) throws(CheckpointError) {
        typealias Names = ModelCheckpoint
        guard let json = checkpoint.files[Names.metadataName] else {
            throw .missing(file: Names.metadataName)
        }
        guard let weights = checkpoint.files[Names.weightsName] else {
            throw .missing(file: Names.weightsName)
        }
        guard let metadata = try? JSONDecoder().decode(ModelCheckpoint.Metadata.self, from: Data(json)),
            metadata.batches >= 0
        else { throw .damaged(file: Names.metadataName) }
        guard metadata.format == ModelCheckpoint.format else { throw .otherFormat(metadata.format) }
        guard metadata.requestID == request else { throw .otherTrial(metadata.requestID) }
        let count = TrainingData.featureCount + 1
        guard weights.count == 2 * count * 8, metadata.checksum == ModelCheckpoint.checksum(weights) else {
            throw .damaged(file: Names.weightsName)
        }
        let numbers = (0..<2 * count).map { index in
            Double(
                bitPattern: weights[8 * index..<8 * index + 8].reversed().reduce(UInt64(0)) {
                    $0 << 8 | UInt64($1)
                })
        }
        self.init(settings: settings, seed: seed)
        batches = metadata.batches
        self.weights = Array(numbers[..<count])
        velocity = Array(numbers[count...])
    }
}
