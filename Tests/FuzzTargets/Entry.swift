internal import FoundationEssentials
internal import MetastoreReplication

/// Which decoder a fuzzer tries, as its environment says, and the manifest that parts are of.
private let setting: (target: FuzzTarget, manifest: SnapshotManifest?) = {
    let environment = ProcessInfo.processInfo.environment
    guard let target = environment["METASTORE_FUZZ_TARGET"].flatMap(FuzzTarget.init(rawValue:)) else {
        preconditionFailure("METASTORE_FUZZ_TARGET names no decoder")
    }
    let bytes = environment["METASTORE_FUZZ_MANIFEST"].flatMap { try? Data(contentsOf: URL(fileURLWithPath: $0)) }
    return (target, bytes.flatMap { try? SnapshotManifest(Array($0), named: "the manifest") })
}()

/// What libFuzzer calls with each input: see `tools/fuzz`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    setting.target.read(Array(UnsafeBufferPointer(start: data, count: size)), of: setting.manifest)
    return 0
}
